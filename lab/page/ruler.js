// The ruler between phone and card goes from a centimetre to where nothing reaches,
// and each decade is as long as the others.

const near = 0.01, far = 40;

// place is where a distance is on the ruler, from 0 to 1.
export const place = (m) => Math.log(Math.min(far, Math.max(near, m)) / near) / Math.log(far / near);

// metres is the way back.
export const metres = (at) => near * (far / near) ** at;

// short is a distance as one would say it.
export function short(m) {
  if (m < 1) return `${+(m * 100).toPrecision(2)} cm`;
  return `${+m.toPrecision(m < 10 ? 2 : 3)} m`;
}
