// Several photos at once: what was dropped, folders included, and their upload one after another.
const IS_PHOTO = /\.(jpe?g|jfif|png|webp|bmp|tiff?|gif|hei[cf]|avif)$/i;

async function entriesOf(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed)); // a hundred at a time
    if (!some.length) return found;
    found.push(...some);
  }
}

async function filesIn(entry) {
  if (entry.isDirectory) return (await Promise.all((await entriesOf(entry)).map(filesIn))).flat();
  return [await new Promise((done, failed) => entry.file(done, failed))];
}

const photosAmong = (files) => [...files].filter((each) => IS_PHOTO.test(each.name));

// The files of a drop; of a folder its photos alone, for it may hold anything.
async function filesOf(transfer) {
  const entries = [...transfer.items].map((each) => each.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((each) => each.isDirectory)) return [...transfer.files];
  return photosAmong((await Promise.all(entries.map(filesIn))).flat());
}

// Uploads at most `most` files in the order of their names; `busy` is told how far it is.
async function uploadAll(chosen, most, busy) {
  const files = [...chosen].sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const sent = { files: [], failed: [], left: Math.max(0, files.length - most) };
  for (const [number, file] of files.slice(0, most).entries()) {
    busy(`Reading photo ${number + 1} of ${Math.min(files.length, most)}`);
    try {
      const { path } = await upload(file);
      sent.files.push({ path, name: file.name });
    } catch {
      sent.failed.push(file.name);
    }
  }
  return sent;
}
