/** Errors as Java's tools tell of them: `getMessage`, and `toString` with the name of the exception before it. */
import { ConnectionError, KafkaError, RequestTimeoutError, UnsupportedVersionError } from '@ottla/client'
import { JAVA_ERRORS } from './error-table.ts'

const PACKAGE = 'org.apache.kafka.common.errors.'

/** Something a tool says by itself, with the exception that Java's has for it. */
export class ToolError extends Error {
  override readonly name = 'ToolError'
  readonly exception: string

  constructor(message: string, exception = 'java.lang.IllegalArgumentException') {
    super(message)
    this.exception = exception
  }
}

/** The client could not even be made: a bad address, a properties file that is not there. */
export class ClientSetupError extends ToolError {}

/** How a call ends that nobody answered in time. */
export class CallTimeoutError extends ToolError {
  constructor(message: string) {
    super(message, `${PACKAGE}TimeoutException`)
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof KafkaError && error.code !== 'NONE') return error.brokerMessage ?? JAVA_ERRORS[error.code][1]
  return (error as Error).message
}

/** `org.apache.kafka.common.errors.TimeoutException: …` */
export function textOf(error: unknown): string {
  return `${exceptionOf(error)}: ${messageOf(error)}`
}

export function exceptionOf(error: unknown): string {
  if (error instanceof ToolError) return error.exception
  if (error instanceof KafkaError && error.code !== 'NONE') {
    const [exception] = JAVA_ERRORS[error.code]
    return exception === 'InvalidRecordException' ? `org.apache.kafka.common.${exception}` : PACKAGE + exception
  }
  if (error instanceof UnsupportedVersionError) return `${PACKAGE}UnsupportedVersionException`
  if (error instanceof RequestTimeoutError) return `${PACKAGE}TimeoutException`
  if (error instanceof ConnectionError) return `${PACKAGE}DisconnectException`
  return 'java.lang.RuntimeException'
}

/** Errors that a tool tells of. All else is a bug of ours, and its stack is what is needed. */
export function isExpected(error: unknown): boolean {
  const known = [ToolError, KafkaError, UnsupportedVersionError, RequestTimeoutError, ConnectionError]
  return known.some(type => error instanceof type) || typeof (error as { code?: unknown }).code === 'string'
}

/** What Java's client throws is the cause of an ExecutionException, and its message with the exception's name before it. */
export async function inExecution<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ToolError || !isExpected(error)) throw error
    throw new ToolError(textOf(error), 'java.util.concurrent.ExecutionException')
  }
}

/** An ExecutionException that was thrown again, as the cause of a RuntimeException: its name is in the message, too. */
export async function inRuntime<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ToolError || !isExpected(error)) throw error
    throw new ToolError(`java.util.concurrent.ExecutionException: ${textOf(error)}`, 'java.lang.RuntimeException')
  }
}
