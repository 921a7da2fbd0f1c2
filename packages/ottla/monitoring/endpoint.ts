/**
 * What is asked of a node by HTTP:
 *
 *     /metrics   all metrics, for Prometheus
 *     /healthz   200: the process is of use; 503: it has failed and is about to end
 *     /readyz    200: clients may come; 503 while it starts and stops, and while the controller keeps it fenced
 *
 * It answers before the broker has started, so that an orchestrator can tell a slow start from a dead process.
 */
import { type Broker, type Health, TEXT_CONTENT_TYPE } from '@ottla/broker'
import { type HttpAnswer, type HttpListener, type Logger, serveHttp } from '@ottla/io'
import { version } from '../cli/version.ts'
import { processMetrics } from './process-metrics.ts'

export interface EndpointOptions {
  readonly host: string
  readonly port: number
  readonly logger: Logger
  /** null: there is none yet. */
  readonly broker: () => Broker | null
}

export interface Endpoint extends AsyncDisposable {
  /** Where it is: `http://127.0.0.1:9404`. */
  readonly url: string
  close(): Promise<void>
}

const TEXT = 'text/plain; charset=utf-8'
const STARTING: Health = { isOk: false, reason: 'starting' }
const ALIVE: Health = { isOk: true, reason: 'alive' }

export async function openEndpoint({ host, port, logger, broker }: EndpointOptions): Promise<Endpoint> {
  const ofProcess = processMetrics(version())
  const routes: Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>> = {
    '/metrics': () => metrics(broker(), ofProcess),
    '/healthz': () => health(broker()?.liveness ?? ALIVE),
    '/readyz': () => health(broker()?.readiness ?? STARTING),
  }
  const listener = await serveHttp({
    host,
    port,
    onError: error => logger.warn('a request for metrics failed', { error }),
    answer: path => routes[path]?.() ?? notFound(Object.keys(routes)),
  })
  return endpointOf(listener)
}

function endpointOf(listener: HttpListener): Endpoint {
  const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host
  const close = () => listener.close()
  return { url: `http://${host}:${listener.port}`, close, [Symbol.asyncDispose]: close }
}

async function metrics(broker: Broker | null, ofProcess: () => Promise<string>): Promise<HttpAnswer> {
  await broker?.metrics.refresh()
  const text = await ofProcess()
  return { status: 200, contentType: TEXT_CONTENT_TYPE, body: all(text, broker) }
}

function* all(ofProcess: string, broker: Broker | null): Iterable<string> {
  yield ofProcess
  if (broker) yield* broker.metrics.text()
}

function health({ isOk, reason }: Health): HttpAnswer {
  return { status: isOk ? 200 : 503, contentType: TEXT, body: [`${reason}\n`] }
}

function notFound(paths: readonly string[]): HttpAnswer {
  return { status: 404, contentType: TEXT, body: [`there is ${paths.join(', ')}\n`] }
}
