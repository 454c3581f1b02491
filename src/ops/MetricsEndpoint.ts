/**
 * An HTTP route from which Prometheus scrapes the metrics of this process.
 *
 * The route serves all metrics of Effect's registry, those of your code included. Millrace's metrics have the names
 * that OpenTelemetry's rules give to them. So one set of alert rules and one dashboard serve this route and an OTLP
 * exporter (`Otlp.layer` of `effect/observability`). Over OTLP each series has one more label, `unit`.
 *
 * @since 0.1.0
 */
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { prometheusName } from "../Telemetry.ts"

/**
 * The place of the metrics.
 *
 * @since 0.1.0
 */
export interface EndpointOptions {
  /** Default `/metrics`. */
  readonly path?: HttpRouter.PathInput | undefined
}

/**
 * Adds the route to the router around it. The route asks for no password, so bind its server to an address that only
 * your monitoring reaches.
 *
 * ```ts
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { MetricsEndpoint } from "millrace/ops"
 * import { createServer } from "node:http"
 *
 * // Provide it beside the workers: Worker.layer(pipeline).pipe(Layer.provideMerge(metrics))
 * const metrics = HttpRouter.serve(MetricsEndpoint.layer()).pipe(
 *   Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 9464 }))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const layer = ({ path = "/metrics" }: EndpointOptions = {}): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  PrometheusMetrics.layerHttp({ path, metricNameMapper: prometheusName })
