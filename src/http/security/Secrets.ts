/**
 * Compares secrets in a time that does not depend on where they differ.
 */
import { createHash, timingSafeEqual } from "node:crypto"

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/**
 * Returns whether two secrets are the same. Their digests have one length, so the time says nothing about their own
 * length.
 */
export const same = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))
