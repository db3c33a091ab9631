// The one file of requests that is too large for a text area, kept in this browser's database.
const NAME = 'tidegate-preview';
const STORE = 'traffic';
const KEY = 'file';
export interface Large { name: string; bytes: ArrayBuffer }

function opened(): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
}

async function within<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await opened();
  try {
    return await new Promise<T>((done, fail) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => done(request.result);
      transaction.onabort = transaction.onerror = () => fail(transaction.error);
    });
  } finally { database.close(); }
}

export const keep = (file: Large) => within('readwrite', (store) => store.put(file, KEY));
export const forget = () => within('readwrite', (store) => store.delete(KEY));
export const recall = () => within<Large | undefined>('readonly', (store) => store.get(KEY));
