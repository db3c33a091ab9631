// Calls into the worker.
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const waiting = new Map<number, { done: (value: any) => void; fail: (error: Error) => void; part?: (part: any, progress: number) => void }>();
let next = 0;

worker.onmessage = ({ data }) => {
  const call = waiting.get(data.id);
  if (!call) return;
  if ('part' in data) { call.part?.(data.part, data.progress); return; }
  waiting.delete(data.id);
  if ('error' in data) call.fail(new Error(data.error)); else call.done(data.value);
};

export function ask<T>(call: string, args: unknown = {}, part?: (part: any, progress: number) => void): Promise<T> {
  const id = next++;
  return new Promise((done, fail) => { waiting.set(id, { done, fail, part }); worker.postMessage({ id, call, args }); });
}
