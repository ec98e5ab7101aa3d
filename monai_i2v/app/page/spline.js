// A closed curve through points: centripetal Catmull-Rom (Yuksel et al., CAD 2011), which neither loops nor overshoots.
const STEPS = 16;  // straight pieces between two points

const toward = (a, b, t) => [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
const knot = (a, b) => Math.max(Math.sqrt(Math.hypot(b[0] - a[0], b[1] - a[1])), 1e-6);

export function curve(points) {
  const count = points.length;
  if (count < 3) return points.slice();
  const polygon = [];
  for (let k = 0; k < count; k++) {
    const [p0, p1, p2, p3] = [-1, 0, 1, 2].map((step) => points[(k + step + count) % count]);
    const t1 = knot(p0, p1), t2 = t1 + knot(p1, p2), t3 = t2 + knot(p2, p3);
    for (let step = 0; step < STEPS; step++) {
      const t = t1 + ((t2 - t1) * step) / STEPS;
      const a1 = toward(p0, p1, t / t1), a2 = toward(p1, p2, (t - t1) / (t2 - t1)), a3 = toward(p2, p3, (t - t2) / (t3 - t2));
      polygon.push(toward(toward(a1, a2, t / t2), toward(a2, a3, (t - t1) / (t3 - t1)), (t - t1) / (t2 - t1)));
    }
  }
  return polygon;
}

// Where in the list a new point belongs: into the gap whose curve is nearest.
export function gapNearest(points, at) {
  const polygon = curve(points);
  let best = 0, least = Infinity;
  polygon.forEach((point, k) => {
    const distance = Math.hypot(point[0] - at[0], point[1] - at[1]);
    if (distance < least) { least = distance; best = k; }
  });
  return { gap: Math.floor(best / STEPS) + 1, distance: least };
}
