/** Marks one line of a cell's editor through CodeMirror's own decorations. */

import { Compartment, type Extension } from '@codemirror/state';
import { Decoration, EditorView } from '@codemirror/view';
import type { Cell } from '@jupyterlab/cells';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';

const LINE = Decoration.line({ class: 'jp-pipe-FailedLine' });

/** Mark a line, counted from 1; returns what takes the mark away. */
export function markLine(cell: Cell, line: number | null): () => void {
  const editor = cell.editor;
  if (line === null || !(editor instanceof CodeMirrorEditor) || line > editor.lineCount) {
    return () => undefined;
  }
  const mark = new Compartment();
  const view = editor.editor;
  const start = view.state.doc.line(line).from;
  const decorations: Extension = EditorView.decorations.of(Decoration.set([LINE.range(start)]));
  // Typing moves the text away from under the mark: the first edit removes it.
  const onEdit = EditorView.updateListener.of(update => {
    if (update.docChanged) {
      queueMicrotask(remove);
    }
  });
  editor.injectExtension(mark.of([decorations, onEdit]));
  const remove = () => {
    if (!editor.isDisposed) {
      view.dispatch({ effects: mark.reconfigure([]) });
    }
  };
  return remove;
}
