// The editor: findings inline with their fixes, completion, search. It lives in a shadow root, where its
// styles are adopted sheets: the page's policy forbids inline ones.
import { autocompletion, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { colours, isNote, languageOf } from './language';
import type { Problem, Vocabulary } from './types';

/** `MAX_TEXT_BYTES` of the engine, in UTF-16 units: text of more bytes is refused there. */
export const MAX_TEXT = 1024 * 1024;
const TOO_LARGE = `F004: the text is larger than ${MAX_TEXT} characters; paste one rule or one note`;

const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', backgroundColor: 'var(--sunk)', fontSize: '13px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55', overflow: 'auto' },
  '.cm-gutters': { backgroundColor: 'var(--sunk)', color: 'var(--quiet)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--line-active)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--select) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--edge)', maxWidth: '60ch' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on)' },
  '.cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--ink)', borderColor: 'var(--line)' },
  '.cm-textfield': { backgroundColor: 'var(--sunk)', color: 'var(--ink)', border: '1px solid var(--edge)', borderRadius: '4px', fontSize: '12px' },
  '.cm-button': { backgroundImage: 'none', backgroundColor: 'var(--panel)', color: 'var(--ink)', border: '1px solid var(--edge)', borderRadius: '4px', fontSize: '12px' },
  '.cm-panel.cm-search label': { fontSize: '12px' },
  '.cm-panel.cm-search [name=close]': { color: 'var(--ink)' },
  '.cm-searchMatch': { backgroundColor: 'var(--mark)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--mark)', outline: '2px solid var(--accent)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--select)' },
  '.cm-diagnosticAction': { backgroundColor: 'var(--accent)', color: 'var(--on)' },
});

export interface Hooks { changed: () => void; say: (text: string) => void; fix: () => boolean }
let vocabulary: Vocabulary = { fields: [], modifiers: [], anomalies: [] };
/** The words to complete; there are none until the engine is there. */
export function learn(words: Vocabulary) { vocabulary = words; }

function complete(context: CompletionContext) {
  const modifier = context.matchBefore(/\|[a-z0-9]*$/);
  if (modifier) return { from: modifier.from + 1, options: vocabulary.modifiers.map(({ name, meaning }) => ({ label: name, detail: meaning, type: 'keyword' })) };
  const word = context.matchBefore(/[a-z_.-]+$/i);
  if (!word && !context.explicit) return null;
  const line = context.state.doc.lineAt(context.pos);
  if (line.text.slice(0, context.pos - line.from).includes(':')) return null;
  return { from: word?.from ?? context.pos, options: vocabulary.fields.map(({ name, meaning }) => ({ label: name, detail: meaning, type: 'property' })) };
}

const language = new Compartment();
let extensions: any[] = [];

export function createEditor(host: HTMLElement, hooks: Hooks): EditorView {
  const root = host.attachShadow({ mode: 'open' });
  const place = document.createElement('div');
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(':host, div.place { display: block; height: 100% }');
  root.adoptedStyleSheets = [sheet];
  place.className = 'place';
  root.append(place);
  extensions = [
    lineNumbers(), history(), drawSelection(), highlightActiveLine(), colours, theme, lintGutter(), EditorView.lineWrapping,
    search({ top: true }), highlightSelectionMatches(), autocompletion({ override: [complete] }),
    keymap.of([{ key: 'Mod-.', run: hooks.fix }, ...completionKeymap, ...searchKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
    // `check` refuses larger text, and the editor would stall on it.
    EditorState.changeFilter.of((transaction) => {
      if (!transaction.docChanged || transaction.changes.newLength <= MAX_TEXT) return true;
      hooks.say(TOO_LARGE);
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
        hooks.say(TOO_LARGE);
        return true;
      },
    }),
    EditorView.contentAttributes.of({ 'aria-label': 'Sigma rule or rule note', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      const text = update.state.doc.toString();
      if (isNote(update.startState.doc.toString()) !== isNote(text)) queueMicrotask(() => update.view.dispatch({ effects: language.reconfigure(languageOf(text)) }));
      hooks.changed();
    }),
  ];
  return new EditorView({ parent: place, root, state: stateOf('') });
}

/** The state of a document that nobody has typed in: undo cannot go behind it. */
export function stateOf(text: string): EditorState {
  return EditorState.create({ doc: text, extensions: [...extensions, language.of(languageOf(text))] });
}

export function textOf(view: EditorView): string { return view.state.doc.toString(); }
/** Replaces the text as one step that can be undone. */
export function replace(view: EditorView, text: string) { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }); }

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
  // Places of problems are those of the text that was checked.
  const doc = view.state.doc;
  const diagnostics = problems.map((problem): Diagnostic => {
    const from = position(view, problem.line, problem.column);
    const to = Math.max(from, position(view, problem.end_line, problem.end_column));
    const actions = problem.fix ? [{ name: problem.fix.title, apply: () => { if (view.state.doc.eq(doc)) applyFix(view, problem); } }] : [];
    return { from, to, severity: problem.severity, source: problem.code, message: `${problem.message}\n${problem.help}`, actions };
  });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

/** Puts the cursor into a line; `y` says where it comes to lie, the nearest place without. */
export function goTo(view: EditorView, line: number, y: 'nearest' | 'start' = 'nearest') {
  const anchor = position(view, line, 1);
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y }) });
  view.focus();
}

/** The line that the cursor is in, from 1. */
export function lineOf(view: EditorView): number { return view.state.doc.lineAt(view.state.selection.main.head).number; }
