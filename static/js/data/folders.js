/* Files that were dropped, those of folders included, each with its path below what was dropped. */

export async function droppedFiles(transfer) {
  // Entries have to be asked for before anything is waited for: afterwards the browser has cleared the list.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, name: file.name }));
  const found = [];
  for (const entry of entries) await collect(entry, "", found);
  return found;
}

/* Of a file input; one that chooses folders gives paths. */
export const chosenFiles = (input) => [...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));

async function collect(entry, folder, found) {
  const name = folder + entry.name;
  if (entry.isFile) {
    found.push({ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name });
    return;
  }
  const reader = entry.createReader();
  // A reader gives a hundred entries at a time, and none at the end.
  for (let some = await batch(reader); some.length; some = await batch(reader)) {
    for (const inner of some) await collect(inner, `${name}/`, found);
  }
}

const batch = (reader) => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
