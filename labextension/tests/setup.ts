/** What browsers have and jsdom lacks, as far as JupyterLab's modules touch it when they load. */

class Observer {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.assign(globalThis, {
  DragEvent: class extends MouseEvent {},
  ResizeObserver: Observer,
  IntersectionObserver: Observer,
  matchMedia: () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} })
});
