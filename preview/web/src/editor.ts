// The editor: YAML, findings inline with their fixes, completion. It lives in a shadow root, where its
// styles are adopted sheets: the page's policy forbids inline ones.
import { autocompletion, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Problem, Vocabulary } from './types';

/** `MAX_TEXT_BYTES` of the engine, in UTF-16 units: text of more bytes is refused there. */
const MAX_TEXT = 1024 * 1024;
const TOO_LARGE = `F004: the text is larger than ${MAX_TEXT} characters; paste one rule or one note`;

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
  { tag: [tags.string, tags.content], color: 'var(--ink)' },
  { tag: [tags.separator, tags.punctuation, tags.meta], color: 'var(--quiet)' },
]);
const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: "var(--sunk)", fontSize: '13px' },
  '.cm-scroller': { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: 'auto' },
  '.cm-gutters': { backgroundColor: "var(--sunk)", color: "var(--quiet)", border: 'none' },
  '.cm-activeLine': { backgroundColor: 'transparent', outline: '1px solid var(--line)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--line)', maxWidth: '60ch' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on)' },
});

export function createEditor(host: HTMLElement, vocabulary: Vocabulary, changed: () => void, say: (text: string) => void): EditorView {
  const root = host.attachShadow({ mode: 'open' });
  const place = document.createElement('div');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(':host, div.place { display: block; height: 100% }');
  root.adoptedStyleSheets = [sheet];
  place.className = 'place';
  root.append(place);
  const complete = (context: CompletionContext) => {
    const modifier = context.matchBefore(/\|[a-z0-9]*$/);
    if (modifier) return { from: modifier.from + 1, options: vocabulary.modifiers.map(({ name, meaning }) => ({ label: name, detail: meaning, type: 'keyword' })) };
    const word = context.matchBefore(/[a-z_.-]+$/i);
    if (!word && !context.explicit) return null;
    const line = context.state.doc.lineAt(context.pos);
    if (line.text.slice(0, context.pos - line.from).includes(':')) return null;
    return { from: word?.from ?? context.pos, options: vocabulary.fields.map(({ name, meaning }) => ({ label: name, detail: meaning, type: 'property' })) };
  };
  return new EditorView({
    parent: place,
    root,
    state: EditorState.create({
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), yaml(), syntaxHighlighting(colours), theme, lintGutter(),
        autocompletion({ override: [complete] }), keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        // `check` refuses larger text, and the editor would stall on it.
        EditorState.changeFilter.of((transaction) => {
          if (!transaction.docChanged || transaction.changes.newLength <= MAX_TEXT) return true;
          say(TOO_LARGE);
          return false;
        }),
        EditorView.domEventHandlers({
          // Left to itself the browser keeps the look of what is typed over by a style attribute, which
          // the page's policy forbids.
          beforeinput: (event, view) => {
            if (event.inputType !== 'insertText' || event.data === null || view.composing || view.state.selection.main.empty) return false;
            event.preventDefault();
            view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true });
            return true;
          },
          paste: (event) => {
            if ((event.clipboardData?.getData('text/plain').length ?? 0) <= MAX_TEXT) return false;
            event.preventDefault();
            say(TOO_LARGE);
            return true;
          },
        }),
        EditorView.contentAttributes.of({ 'aria-label': 'Sigma rule or rule note' }),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
      ],
    }),
  });
}

export function textOf(view: EditorView): string { return view.state.doc.toString(); }
export function setText(view: EditorView, text: string) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }); }

/** Columns of findings count characters; positions of the editor count UTF-16 units. */
function position(view: EditorView, line: number, column: number): number {
  const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines));
  return at.from + [...at.text].slice(0, column - 1).join('').length;
}

export function applyFix(view: EditorView, problem: Problem) {
  const changes = (problem.fix?.edits ?? []).map((edit) => ({ from: position(view, edit.line, edit.column), to: position(view, edit.end_line, edit.end_column), insert: edit.replacement }));
  view.dispatch({ changes });
  view.focus();
}

export function show(view: EditorView, problems: Problem[]) {
  const diagnostics = problems.map((problem): Diagnostic => {
    const from = position(view, problem.line, problem.column);
    const to = Math.max(from, position(view, problem.end_line, problem.end_column));
    const actions = problem.fix ? [{ name: problem.fix.title, apply: () => applyFix(view, problem) }] : [];
    return { from, to, severity: problem.severity, source: problem.code, message: `${problem.message}\n${problem.help}`, actions };
  });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

export function goTo(view: EditorView, line: number) {
  view.dispatch({ selection: { anchor: position(view, line, 1) }, scrollIntoView: true });
  view.focus();
}
