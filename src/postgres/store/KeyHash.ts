/**
 * Maps a key to its lane. The hash is computed here, because the database's hash functions may change with its
 * version. A key that changed lanes while its messages wait would lose its order.
 *
 * @since 0.1.0
 */

/**
 * Hashes a key to 31 bits. Keys that differ in their last character only are well spread (FNV-1a, then the last mix
 * of murmur).
 */
export const keyHash = (key: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) & 0x7fffffff
}
