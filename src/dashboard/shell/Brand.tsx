/** The sign of the product, which leads to the first page. */
import { to } from "../place/Address.ts"

export const Brand = () => (
  <a class="brand" href={to.overview} aria-label="Millrace, overview">
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0f6a78" />
      <path
        d="M7 11c3 0 3 3 6 3s3-3 6-3 3 3 6 3M7 18c3 0 3 3 6 3s3-3 6-3 3 3 6 3"
        fill="none"
        stroke="#fff"
        stroke-width="2.6"
        stroke-linecap="round"
      />
    </svg>
    <span>Millrace</span>
  </a>
)
