/** Chooses the page that a place shows. An address without a page says so. */
import { AuditPage } from "./audit/AuditPage.tsx"
import { DeadLetterPage } from "./dead/DeadLetterPage.tsx"
import { FailuresPage } from "./failures/FailuresPage.tsx"
import { FailurePage } from "./group/FailurePage.tsx"
import { KeyPage } from "./keys/KeyPage.tsx"
import { KeysPage } from "./keys/KeysPage.tsx"
import { MessagePage } from "./messages/MessagePage.tsx"
import { OverviewPage } from "./overview/OverviewPage.tsx"
import { Head } from "./parts/Head.tsx"
import { Empty } from "./parts/States.tsx"
import { place, to } from "./place/Address.ts"
import { QueuePage } from "./queues/QueuePage.tsx"
import { QueuesPage } from "./queues/QueuesPage.tsx"
import { WorkersPage } from "./workers/WorkersPage.tsx"

/** Returns a dead letter's id with the zeros that only sort it, which an address may leave out. */
const fullId = (id: string): string => /^\d{1,16}$/.test(id) ? id.padStart(16, "0") : id

export const Screens = () => {
  const [page = "", first, second] = place.value.path
  const key = place.value.path.join("\n")
  switch (page) {
    case "":
      return <OverviewPage />
    case "failures":
      return first !== undefined && second !== undefined
        ? <FailurePage key={key} consumer={first} fingerprint={second} />
        : <FailuresPage />
    case "dead-letters":
      return first === undefined ? <FailuresPage /> : <DeadLetterPage key={key} id={fullId(first)} />
    case "keys":
      return first !== undefined && second !== undefined
        ? <KeyPage key={key} consumer={first} name={second} />
        : <KeysPage />
    case "queues":
      return first === undefined ? <QueuesPage /> : <QueuePage key={key} consumer={first} />
    case "workers":
      return <WorkersPage />
    case "audit":
      return <AuditPage />
    case "messages":
      if (first !== undefined) return <MessagePage key={key} id={first} />
  }
  return <NoPage />
}

const NoPage = () => (
  <>
    <Head title="This page does not exist" name="No page" />
    <section class="card">
      <Empty icon="search" title="Nothing is shown at this address">
        <p>The address may come from an older version, or a part of it is missing.</p>
        <a class="btn" href={to.overview}>Overview</a>
      </Empty>
    </section>
  </>
)
