// The languages of the editor: YAML for Sigma; Markdown with front matter, Sigma and HTTP in its fences for notes.
import { yamlFrontmatter, yaml, yamlLanguage } from '@codemirror/lang-yaml';
import { defineLanguageFacet, HighlightStyle, Language, LanguageSupport, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { parser, parseCode } from '@lezer/markdown';
import { tags } from '@lezer/highlight';

const http = StreamLanguage.define<{ isHead: boolean }>({
  name: 'http',
  startState: () => ({ isHead: true }),
  token(stream, state) {
    if (stream.sol()) {
      if (stream.match(/^[A-Z]+(?= \S)/)) return 'keyword';
      if (stream.match(/^HTTP\/[\d.]+(?= )/)) return 'keyword';
      if (stream.match(/^[A-Za-z][A-Za-z0-9-]*(?=:)/)) return 'propertyName';
    }
    if (stream.match(/^HTTP\/[\d.]+$/)) return 'keyword';
    if (stream.match(/^https?:\/\/\S+/)) return 'string';
    state.isHead = false;
    stream.next();
    return null;
  },
});

const nested: Record<string, Language> = { sigma: yamlLanguage, yaml: yamlLanguage, yml: yamlLanguage, http };
const markdown = new Language(
  defineLanguageFacet(),
  parser.configure([parseCode({ codeParser: (info) => nested[info.split(' ')[0] ?? '']?.parser ?? null })]),
  [],
  'markdown',
);

const sigma = yaml();
const note = yamlFrontmatter({ content: new LanguageSupport(markdown) });
/** As `is_note` of the engine decides: front matter with a kind, or a heading and a rule in a fence. */
export function isNote(text: string): boolean {
  const start = text.replace(/^\uFEFF?\s*/, '');
  return /^---[ \t]*\r?\n/.test(start) && /^kind:/m.test(start.slice(0, 5000)) || start.startsWith('# ') && start.includes('\n```sigma');
}
export const languageOf = (text: string): LanguageSupport => isNote(text) ? note : sigma;

export const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.heading], color: 'var(--ink)', fontWeight: '650' },
  { tag: [tags.keyword], color: 'var(--accent)', fontWeight: '600' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.strong, fontWeight: '650' },
  { tag: [tags.link, tags.url], color: 'var(--accent)' },
  { tag: tags.monospace, color: 'var(--good)' },
  { tag: tags.comment, color: 'var(--quiet)', fontStyle: 'italic' },
  { tag: [tags.string, tags.content], color: 'var(--ink)' },
  { tag: [tags.separator, tags.punctuation, tags.meta, tags.processingInstruction, tags.labelName], color: 'var(--quiet)' },
]));
