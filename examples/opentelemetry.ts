/**
 * Spans of what a broker does, for OpenTelemetry: one for each request, and inside of it one for each batch that is
 * appended. `traceBroker` needs nothing but the API; what becomes of the spans is for the SDK of your choice.
 *
 *     node opentelemetry.ts        starts a broker, sends it three records, and prints the spans
 *
 * For a broker that is started by `ottla start`: NODE_OPTIONS='--import ./your-tracing.js', which calls `traceBroker`.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFile } from 'node:child_process'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'

interface TracedEvent {
  result?: unknown
  error?: unknown
}

interface RequestEvent extends TracedEvent {
  readonly api: string
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientAddress: string
}

interface AppendEvent extends TracedEvent {
  readonly topic: string
  readonly partition: number
  readonly sizeInBytes: number
  readonly firstOffset?: number
}

export function traceBroker(tracer: Tracer): void {
  /** The span of the request that is being handled. */
  const current = new AsyncLocalStorage<Span>()
  traceChannel<RequestEvent>('ottla:request', event =>
    tracer.startSpan(event.api, {
      kind: SpanKind.SERVER,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.client.id': event.clientId ?? '',
        'network.peer.address': event.clientAddress,
        'kafka.api.version': event.apiVersion,
      },
    }),
  )
  traceChannel<AppendEvent>('ottla:append', event => {
    const request = current.getStore()
    return tracer.startSpan(
      `append ${event.topic}-${event.partition}`,
      { attributes: { 'messaging.destination.name': event.topic, 'messaging.message.body.size': event.sizeInBytes } },
      request && trace.setSpan(context.active(), request),
    )
  })
  channel('ottla:rebalance').subscribe(event => {
    const { group, phase } = event as { group: string; phase: string }
    tracer.startSpan(`rebalance ${phase}`, { attributes: { 'messaging.consumer.group.name': group } }).end()
  })

  function traceChannel<Event extends TracedEvent>(name: string, begin: (event: Event) => Span): void {
    const spans = new WeakMap<object, Span>()
    const tracing = tracingChannel<Event, Event>(name)
    // What runs inside of the request finds its span.
    tracing.start.bindStore(current as never, event => {
      const span = begin(event)
      spans.set(event, span)
      return span as never
    })
    const finish = (event: Event): void => spans.get(event)?.end()
    tracing.subscribe({
      start() {},
      // What was not waited for is done here, all else at `asyncEnd`.
      end: event => {
        if ('result' in event || 'error' in event) finish(event as Event)
      },
      asyncStart() {},
      asyncEnd: event => finish(event as Event),
      error: event => {
        const span = spans.get(event)
        span?.recordException(event.error as Error)
        span?.setStatus({ code: SpanStatusCode.ERROR })
      },
    })
  }
}

if (import.meta.main) {
  const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = await import(
    '@opentelemetry/sdk-trace-base'
  )
  const { createCluster } = await import('ottla')
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  traceBroker(provider.getTracer('ottla'))

  await using cluster = await createCluster({ topics: ['orders'], transport: 'tcp' })
  const env = { ...process.env, OTTLA_BOOTSTRAP_SERVER: cluster.bootstrapServers }
  const { promise, resolve } = Promise.withResolvers<void>()
  execFile('ottla', ['produce', 'orders'], { env }, () => resolve()).stdin!.end('pen\nlamp\nbook\n')
  await promise

  const spans = exporter.getFinishedSpans()
  const names = new Map(spans.map(span => [span.spanContext().spanId, span.name]))
  for (const { name, parentSpanContext, attributes } of spans) {
    const within = parentSpanContext ? ` in ${names.get(parentSpanContext.spanId)}` : ''
    console.log(`${name}${within} ${JSON.stringify(attributes)}`)
  }
}
