/**
 * In which order Java has things that lie in a HashMap. Nothing in the protocol says how configs or quotas are ordered,
 * but Kafka tells them as they come out of its maps, always alike, and there are clients that count on the first of two.
 */

const FIRST_SLOTS = 16

/** As Java's String.hashCode, over UTF-16 code units: clients and other brokers reckon with it. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** A map has a power of two of slots, and is kept three quarters full; it begins with 16, or with how many it is told. */
export function javaSlots(entries: number, first = FIRST_SLOTS): number {
  let slots = first
  while (entries > slots * 0.75) slots *= 2
  return slots
}

export function javaSlot(hash: number, slots: number): number {
  return spread(hash) & (slots - 1)
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}

/** Of things that share a slot the first stays the first. `entries`: how many the map has, if there are more than these. */
export function inJavaOrder<T>(things: Iterable<T>, nameOf: (thing: T) => string, entries?: number): T[] {
  const all = [...things]
  const slots = javaSlots(entries ?? all.length)
  return bySlot(all, thing => javaSlot(javaHashCode(nameOf(thing)), slots))
}

/** A map of Scala's grows when one of Java's is about to, and sorts what shares a slot. */
export function inScalaOrder<T>(things: Iterable<T>, nameOf: (thing: T) => string): T[] {
  const placed = Array.from(things, thing => ({ thing, hash: spread(javaHashCode(nameOf(thing))) }))
  const mask = javaSlots(placed.length + 1) - 1
  return placed.sort((a, b) => (a.hash & mask) - (b.hash & mask) || a.hash - b.hash).map(({ thing }) => thing)
}

export function bySlot<T>(things: Iterable<T>, slotOf: (thing: T) => number): T[] {
  const placed = Array.from(things, thing => ({ thing, slot: slotOf(thing) }))
  return placed.sort((a, b) => a.slot - b.slot).map(({ thing }) => thing)
}
