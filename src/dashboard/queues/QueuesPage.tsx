/** The page with all queues in one table, as the overview has it. */
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { NoConsumer } from "../overview/OverviewPage.tsx"
import { Head } from "../parts/Head.tsx"
import { Loaded } from "../parts/States.tsx"
import { QueueTable } from "./QueueTable.tsx"

export const QueuesPage = () => (
  <>
    <Head title="Queues" name="Queues">A queue has the waiting messages of one consumer.</Head>
    <Loaded of={useResource("consumers", Api.consumers, "ticks")}>
      {(consumers) =>
        consumers.length === 0 ? <NoConsumer /> : (
          <section class="card">
            <QueueTable consumers={consumers} />
          </section>
        )}
    </Loaded>
  </>
)
