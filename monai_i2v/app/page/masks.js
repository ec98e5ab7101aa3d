// Label maps and masks: flat arrays, row by row.

export function decode(runs, count) {
  const labels = new Int32Array(count);
  for (let k = 0, at = 0; k < runs.length; k += 2) {
    labels.fill(runs[k], at, at + runs[k + 1]);
    at += runs[k + 1];
  }
  return labels;
}

export function encode(mask) {
  const runs = [];
  for (let start = 0, at = 1; at <= mask.length; at++) {
    if (at === mask.length || mask[at] !== mask[start]) {
      runs.push(mask[start], at - start);
      start = at;
    }
  }
  return runs;
}

export const maskOf = (labels, label) => Uint8Array.from(labels, (value) => Number(value === label));

// Sets the pixels whose centers are inside of a closed polygon (even-odd rule).
export function fillPolygon(points, width, height) {
  const mask = new Uint8Array(width * height);
  const ys = points.map((point) => point[1]);
  const top = Math.max(0, Math.floor(Math.min(...ys))), bottom = Math.min(height - 1, Math.ceil(Math.max(...ys)));
  for (let y = top; y <= bottom; y++) {
    const crossings = [];
    for (let k = 0; k < points.length; k++) {
      const [x0, y0] = points[k], [x1, y1] = points[(k + 1) % points.length];
      if ((y0 <= y) !== (y1 <= y)) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k])), to = Math.min(width - 1, Math.ceil(crossings[k + 1]) - 1);
      if (to >= from) mask.fill(1, y * width + from, y * width + to + 1);
    }
  }
  return mask;
}

// Sets a disc around (x, y) to a value; returns the box that it touched.
export function stamp(mask, width, height, x, y, radius, value, allowed) {
  const top = Math.max(0, Math.ceil(y - radius)), bottom = Math.min(height - 1, Math.floor(y + radius));
  const box = [width, top, -1, bottom];
  for (let row = top; row <= bottom; row++) {
    const half = Math.sqrt(Math.max(0, radius * radius - (row - y) ** 2));
    const left = Math.max(0, Math.ceil(x - half)), right = Math.min(width - 1, Math.floor(x + half));
    for (let at = row * width + left, end = row * width + right; at <= end; at++) if (!allowed || allowed[at]) mask[at] = value;
    if (right >= left) { box[0] = Math.min(box[0], left); box[2] = Math.max(box[2], right); }
  }
  return box;
}

// Numbers the connected parts of pixels that are equal to a value (4 neighbors); returns numbers from 1, and sizes.
function parts(mask, width, height, value) {
  const numbers = new Int32Array(mask.length), sizes = [0], stack = [];
  for (let seed = 0; seed < mask.length; seed++) {
    if (mask[seed] !== value || numbers[seed]) continue;
    const number = sizes.length;
    let size = 0;
    numbers[seed] = number; stack.push(seed);
    while (stack.length) {
      const at = stack.pop(), x = at % width;
      size++;
      for (const other of [x > 0 ? at - 1 : -1, x < width - 1 ? at + 1 : -1, at - width, at + width]) {
        if (other >= 0 && other < mask.length && mask[other] === value && !numbers[other]) { numbers[other] = number; stack.push(other); }
      }
    }
    sizes.push(size);
  }
  return { numbers, sizes };
}

export function largestPart(mask, width, height) {
  const { numbers, sizes } = parts(mask, width, height, 1);
  const best = sizes.indexOf(Math.max(...sizes.slice(1), 0), 1);
  return mask.map((value, at) => (value && numbers[at] === best ? 1 : 0));
}

export function fillHoles(mask, width, height) {
  const { numbers } = parts(mask, width, height, 0);
  const open = new Set();
  for (let x = 0; x < width; x++) { open.add(numbers[x]); open.add(numbers[(height - 1) * width + x]); }
  for (let y = 0; y < height; y++) { open.add(numbers[y * width]); open.add(numbers[y * width + width - 1]); }
  return mask.map((value, at) => (value || !open.has(numbers[at]) ? 1 : 0));
}

// The border between a label and everything else, along pixel edges, as a path in pixels; with box and center.
export function outlineOf(labels, label, width, height) {
  const path = new Path2D();
  let count = 0, sumX = 0, sumY = 0, top = height, left = width, right = -1, bottom = -1;
  const is = (x, y) => x >= 0 && y >= 0 && x < width && y < height && labels[y * width + x] === label;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (labels[y * width + x] !== label) continue;
      count++; sumX += x; sumY += y;
      if (y < top) top = y;
      if (y > bottom) bottom = y;
      if (x < left) left = x;
      if (x > right) right = x;
    }
  }
  if (!count) return null;
  for (let y = top; y <= bottom + 1; y++) {
    for (let x = left, from = -1; x <= right + 1; x++) {
      const edge = x <= right && is(x, y) !== is(x, y - 1);
      if (edge && from < 0) from = x;
      if (!edge && from >= 0) { path.moveTo(from, y); path.lineTo(x, y); from = -1; }
    }
  }
  for (let x = left; x <= right + 1; x++) {
    for (let y = top, from = -1; y <= bottom + 1; y++) {
      const edge = y <= bottom && is(x, y) !== is(x - 1, y);
      if (edge && from < 0) from = y;
      if (!edge && from >= 0) { path.moveTo(x, from); path.lineTo(x, y); from = -1; }
    }
  }
  return { path, count, center: [sumX / count + 0.5, sumY / count + 0.5], box: [left, top, right, bottom] };
}
