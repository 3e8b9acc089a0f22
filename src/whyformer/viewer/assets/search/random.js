// Random numbers that a seed determines, so that a link restores a sample.

/**
 * Return a function that returns numbers in [0, 1); draw j of a seed has its own sequence.
 *
 * The generator is SplitMix32 (Steele et al. 2014, with 32 bits). Its numbers differ from NumPy's.
 */
export function randomNumbers(seed, draw) {
  let state = mixedBits(mixedBits(seed >>> 0) ^ Math.imul(draw + 1, 0x9e3779b9));
  return () => {
    state = (state + 0x9e3779b9) | 0;
    return (mixedBits(state) >>> 0) / 2 ** 32;
  };
}

function mixedBits(value) {
  value = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
  return value ^ (value >>> 15);
}
