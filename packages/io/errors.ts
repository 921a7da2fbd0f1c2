/**
 * The errors that the world throws. `code` is the POSIX name, the same from the real world and from the simulated one,
 * so that callers decide by it; the message names the path or the peer; `cause` is what the system said.
 */

const TEXT: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'no such address on this machine',
  EBADF: 'the file is closed',
  EBUSY: 'in use',
  ECANCELED: 'canceled',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EEXIST: 'already exists',
  EHOSTUNREACH: 'host unreachable',
  EINVAL: 'invalid',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  EMFILE: 'too many open files',
  ENETUNREACH: 'network unreachable',
  ENOENT: 'no such file or directory',
  ENOLCK: 'the file system gives no locks',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTFOUND: 'no such host',
  ENOTSUP: 'not supported',
  EPERM: 'operation not permitted',
  EPIPE: 'connection closed by peer',
  EROFS: 'read-only file system',
  ETIMEDOUT: 'timed out',
}

function describe(code: string): string {
  return TEXT[code] ? `${TEXT[code]} (${code})` : code
}

/** What a file system refused or failed to do. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  /** `ENOENT`, `ENOSPC`, `EIO`, ... */
  readonly code: string
  /** What was tried: `open`, `write`, `sync`, ... */
  readonly operation: string
  readonly path: string

  constructor(code: string, operation: string, path: string, options?: ErrorOptions) {
    super(`${operation} ${path}: ${describe(code)}`, options)
    this.code = code
    this.operation = operation
    this.path = path
  }
}

/** A connection that could not be made, or was lost. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  /** `ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`, `EADDRINUSE`, ... */
  readonly code: string
  /** `host:port` of the other side, or of the listener. */
  readonly peer: string

  constructor(code: string, peer: string, options?: ErrorOptions) {
    super(`${peer}: ${describe(code)}`, options)
    this.code = code
    this.peer = peer
  }
}

/** A worker that could not run its task to the end. What the task itself throws is passed on as it is. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError'
  readonly code: 'ERR_WORKERS_CLOSED' | 'ERR_WORKER_CRASHED' | 'ERR_NO_TASK'

  constructor(code: WorkerError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The POSIX name of an error that Node threw; `fallback` if it carries none. */
export function posixCode(error: unknown, fallback = 'EIO'): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    if (/^E[A-Z0-9]+$/.test(error.code)) return error.code
    if (/^ERR_(INVALID_ARG|OUT_OF_RANGE|SOCKET_BAD_PORT)/.test(error.code)) return 'EINVAL' // Node's own checks
  }
  return fallback
}

/** `host:port`, with brackets where the host is an IPv6 address. */
export function peerName(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
