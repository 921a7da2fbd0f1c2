/**
 * Randomness from a seed: sfc32, which passes PractRand and BigCrush and is a few additions and shifts. Each use has
 * a stream of its own, named, so that one more draw for the network does not change what the disk does.
 */
import { RandomSource } from '../random.ts'

export class SeededRandom extends RandomSource {
  readonly seed: string
  #a: number
  #b: number
  #c: number
  #counter: number

  /** The same seed and name give the same stream, always. */
  constructor(seed: number | string, name = '') {
    super()
    this.seed = name === '' ? String(seed) : `${seed}/${name}`
    const words = hash128(this.seed)
    this.#a = words[0]
    this.#b = words[1]
    this.#c = words[2]
    this.#counter = words[3]
    for (let round = 0; round < 12; round++) this.next32()
  }

  /** A stream that shares nothing with this one, whatever has been drawn from it. */
  derive(name: string): SeededRandom {
    return new SeededRandom(this.seed, name)
  }

  /** True with the given probability; 0 and 1 draw nothing. */
  chance(probability: number): boolean {
    if (probability <= 0) return false
    return probability >= 1 || this.float() < probability
  }

  /** Uniform in [min, max). */
  between(min: number, max: number): number {
    return min + (max - min) * this.float()
  }

  protected override next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }
}

/** Four words from a text: cyrb128, good enough to keep similar seeds apart. */
function hash128(text: string): [number, number, number, number] {
  let h1 = 1779033703
  let h2 = 3144134277
  let h3 = 1013904242
  let h4 = 2773480762
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    h1 = h2 ^ Math.imul(h1 ^ code, 597399067)
    h2 = h3 ^ Math.imul(h2 ^ code, 2869860233)
    h3 = h4 ^ Math.imul(h3 ^ code, 951274213)
    h4 = h1 ^ Math.imul(h4 ^ code, 2716044179)
  }
  h1 = Math.imul(h3 ^ (h1 >>> 18), 597399067)
  h2 = Math.imul(h4 ^ (h2 >>> 22), 2869860233)
  h3 = Math.imul(h1 ^ (h3 >>> 17), 951274213)
  h4 = Math.imul(h2 ^ (h4 >>> 19), 2716044179)
  return [h1 ^ h2 ^ h3 ^ h4, h2 ^ h1, h3 ^ h1, h4 ^ h1]
}
