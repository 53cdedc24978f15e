/** A report in the theme of JupyterLab. A frame's own page follows the reader's system and knows no theme. */

const ASKS_FOR_DARK = /\(\s*prefers-color-scheme\s*:\s*dark\s*\)/g;

/** The page with its style sheets answered: dark or light, whatever the system prefers. Text stays as it is. */
export function withTheme(html: string, isDark: boolean): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  for (const style of page.querySelectorAll('style')) {
    style.textContent = (style.textContent ?? '').replace(ASKS_FOR_DARK, isDark ? '(width >= 0px)' : '(width < 0px)');
  }
  // A frame with `srcdoc` takes its address from JupyterLab's page, so `#outputs` would load that page.
  const base = page.createElement('base');
  base.href = 'about:srcdoc';
  page.head.prepend(base);
  page.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
  return `<!DOCTYPE html>\n${page.documentElement.outerHTML}`;
}

/** Whether JupyterLab's page is dark now. */
export function isPageDark(): boolean {
  return document.body.dataset.jpThemeLight === 'false';
}
