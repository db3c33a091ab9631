// Verdicts as the engine packs them into numbers: see `Row::pack` in preview/src/row.rs.
export const ACTIONS = ['allow', 'observe', 'deny'] as const;
export interface Row { rules: number[]; others: number[]; monitor: string; enforce: string; isChanged: boolean; isOdd: boolean }
const NONE: number[] = [];

export function unpack(words: Uint32Array, rows: Row[]) {
  for (let at = 0; at < words.length;) {
    const word = words[at]!;
    const rules = at + 1 + (word & 255);
    const others = rules + (word >> 8 & 255);
    rows.push({
      rules: rules > at + 1 ? Array.from(words.subarray(at + 1, rules)) : NONE,
      others: others > rules ? Array.from(words.subarray(rules, others)) : NONE,
      monitor: ACTIONS[word >> 16 & 3] ?? '?', enforce: ACTIONS[word >> 18 & 3] ?? '?',
      isChanged: (word >> 20 & 1) === 1, isOdd: (word >> 21 & 1) === 1,
    });
    at = others;
  }
}

/** How a verdict differs from the one before, in a word. */
export function change(row: Row): string {
  if (!row.isChanged) return 'same';
  if (!row.others.length && row.rules.length) return 'new match';
  if (row.others.length && !row.rules.length) return 'lost match';
  return row.rules.length ? 'other rules' : 'other action';
}
