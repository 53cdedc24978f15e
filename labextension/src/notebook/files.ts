/** What the files of notebooks are called, and their pipelines: as the server names them; what jupytext keeps of a file. Pure. */

/** "home_value" of "a/home_value.ipynb"; a notebook that is kept as text has its suffix in the name: "home_value_py". */
export function pipelineName(path: string): string {
  return fileName(path)
    .replace(/\.ipynb$/, '')
    .replace(/\.(py|md)$/, '_$1');
}

/** "home_value.ipynb" of "a/home_value.ipynb". */
export function fileName(path: string): string {
  return path.replace(/^.*\//, '');
}

/**
 * The filter of jupytext's with which the tags of cells are written: "tags,-all" for "-all". Tags that a user sets
 * in a text without any would be gone with the next save.
 */
export function filterWithTags(filter: string): string {
  const words = filter.split(',').map(word => word.trim());
  const kept = words.filter(word => word !== '' && word !== '-tags');
  const isLost = words.includes('-tags') || (words.includes('-all') && !kept.some(word => /^\+?(tags|all)$/.test(word)));
  return isLost ? ['tags', ...kept].join(',') : filter;
}
