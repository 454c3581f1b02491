/**
 * Hashes a key; the hash decides the key's lane. If a key changed lanes while its messages wait, their order would be
 * lost. So this code has a hash function of its own: those of Postgres may change with its version.
 *
 * @since 0.1.0
 */

/**
 * Returns the hash of a key, of 31 bits. It is FNV-1a, followed by the last mix of murmur, so that keys that differ
 * only in their last character are well spread.
 */
export const keyHash = (key: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) & 0x7fffffff
}
