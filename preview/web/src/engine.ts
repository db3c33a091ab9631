// Calls into the worker that runs the engine, and whether it runs.
type Call = { done: (value: any) => void; fail: (error: Error) => void; part?: (part: any, progress: number) => void };
export type State = { name: 'starting' | 'ready' } | { name: 'failed'; why: string };

let worker: Worker;
let waiting = new Map<number, Call>();
let next = 0;
let state: State = { name: 'starting' };
let listener: (state: State) => void = () => undefined;

/** Reports the state of the engine, now and whenever it changes. */
export function follow(report: (state: State) => void) {
  listener = report;
  listener(state);
}

function changed(to: State) {
  state = to;
  listener(state);
}

/** Starts a new engine in the place of one that did not load. It knows nothing of what the last one was given. */
export function restart() {
  worker?.terminate();
  for (const call of waiting.values()) call.fail(new Error('the engine was started again'));
  waiting = new Map();
  changed({ name: 'starting' });
  worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => {
    if ('state' in data) { if (data.state.name === 'failed') fail(data.state.why); else changed(data.state); return; }
    const call = waiting.get(data.id);
    if (!call) return;
    if ('part' in data) { call.part?.(data.part, data.progress); return; }
    waiting.delete(data.id);
    if ('error' in data) call.fail(new Error(data.error)); else call.done(data.value);
  };
  worker.onerror = (event) => { event.preventDefault(); fail(event.message || 'its script cannot be loaded'); };
}

function fail(why: string) {
  for (const call of waiting.values()) call.fail(new Error(why));
  waiting = new Map();
  changed({ name: 'failed', why });
}

export function ask<T>(call: string, args: unknown = {}, part?: (part: any, progress: number) => void): Promise<T> {
  const id = next++;
  return new Promise((done, fail) => { waiting.set(id, { done, fail, part }); worker.postMessage({ id, call, args }); });
}

restart();
