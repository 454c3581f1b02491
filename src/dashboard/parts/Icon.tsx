/** The icons: outlines on a grid of 16, drawn with the colour of the text. They are decoration, and never the name. */

const paths = {
  overview: "M2 9h4l2-6 2 10 2-4h2",
  failures: "M8 2.2 14.4 13H1.6Z M8 6.4v3 M8 11.2v.2",
  keys: "M6.2 9.8a3.4 3.4 0 1 1 1.9-1.9L14 13.8 M11.6 11.4l-1.4 1.4",
  queues: "M2 4h12 M2 8h12 M2 12h7",
  workers:
    "M4.5 4.5h7v7h-7Z M6.5 2v2.5 M9.5 2v2.5 M6.5 11.5V14 M9.5 11.5V14 M2 6.5h2.5 M2 9.5h2.5 M11.5 6.5H14 M11.5 9.5H14",
  audit: "M4 2h8v12H4Z M6.5 5.5h3 M6.5 8h3 M6.5 10.5h2",
  runs: "M3 8a5 5 0 0 1 8.6-3.5L13 6 M13 2.8V6H9.8 M13 8a5 5 0 0 1-8.6 3.5L3 10 M3 13.2V10h3.2",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z M10.3 10.3 14 14",
  system: "M2 3h12v8H2Z M6 13.5h4",
  light:
    "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Z M8 1.5V3 M8 13v1.5 M1.5 8H3 M13 8h1.5 M3.4 3.4l1 1 M11.6 11.6l1 1 M3.4 12.6l1-1 M11.6 4.4l1-1",
  dark: "M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6Z",
  help: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8Z M6.2 6.2A1.9 1.9 0 1 1 8 8.4v.8 M8 11.4v.2",
  close: "M4 4l8 8 M12 4l-8 8",
  pause: "M5.5 3.5v9 M10.5 3.5v9",
  play: "M5 3.2 12.5 8 5 12.8Z",
  advance: "M4 3.5 9.5 8 4 12.5Z M12 3.5v9",
  skip: "M3 3.5 7.5 8 3 12.5Z M8 3.5 12.5 8 8 12.5Z",
  edit: "M3 13l.6-2.8 7.2-7.2 2.2 2.2-7.2 7.2Z",
  trash: "M3 4.5h10 M6.2 4.5V3h3.6v1.5 M4.4 4.5l.6 8.7h6l.6-8.7",
  copy: "M5.5 5.5h7v7h-7Z M3.5 10.5v-7h7",
  down: "M8 3v8 M4.8 8 8 11.2 11.2 8 M3 13.5h10",
  note: "M3 3h10v7.5L10.5 13H3Z M5.5 6h5 M5.5 8.5h3",
  left: "M10 3.5 5.5 8l4.5 4.5",
  right: "M6 3.5 10.5 8 6 12.5",
  undo: "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6 M5.6 3.8 3 6.5l2.6 2.7",
  check: "M3 8.5 6.5 12 13 4.5",
  evict: "M6.5 2.5h-4v11h4 M6.5 8H14 M11 5l3 3-3 3",
  more: "M3.5 8h.1 M8 8h.1 M12.5 8h.1",
  link: "M6.5 9.5l3-3 M7 4.5l1-1a3 3 0 0 1 4.3 4.3l-1 1 M9 11.5l-1 1a3 3 0 0 1-4.3-4.3l1-1"
}

export type IconName = keyof typeof paths

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={paths[name]} />
  </svg>
)
