/**
 * The world, as everything else in Ottla sees it. No other package touches `node:fs`, `node:net`, timers, `Date`,
 * `Math.random` or `crypto.randomUUID`; it is handed a `World` instead. `node/` is the real one; `memory/` is the one
 * that tests, `createCluster()` and the simulator use: same interfaces, one seed, virtual time, faults on request.
 */

export interface World {
  readonly clock: Clock
  readonly disk: Disk
  readonly network: Network
  readonly random: Random
  readonly workers: Workers
  readonly logger: Logger
}

// ---------------------------------------------------------------------------------------------------------- clock

export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump either way. */
  now(): number
  /** Milliseconds since some fixed point; never goes back. Deadlines and durations use this one. */
  monotonic(): number
  /** Calls `callback` once, not before `delayMs` have passed on the monotonic clock (0 or less: at the next turn). */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Calls `callback` after the input that is already waiting has been handled (setImmediate): the place to batch. */
  nextTurn(callback: () => void): void
}

export interface Timer {
  /** After this the callback will not be called. Safe to call at any time, any number of times. */
  cancel(): void
}

// ----------------------------------------------------------------------------------------------------------- disk

/**
 * Paths are absolute, `/` between names. Every failure is a `DiskError` (errors.ts) whose `code` is the POSIX name
 * (`ENOENT`, `ENOSPC`, `EIO`, ...). A completed write is in the kernel's page cache: it survives a killed process, not
 * a power loss, until `sync` returns. Calls that overlap in time may take effect in any order: who needs one before the
 * other waits for it.
 *
 * A `DiskFile` follows its file through renames (of the file or of a directory above it), done by this `Disk`; when the
 * file has been removed or replaced, later calls fail with `ENOENT`, those under way end as usual.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** The whole file. */
  readFile(path: string): Promise<Buffer>
  /**
   * Replaces a file so that after a crash at any point it holds the old bytes or the new: writes `path + '.tmp'`,
   * syncs it, renames it over `path`, syncs the directory.
   */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>
  /** Atomic within one file system; replaces an existing file. Durable only after `syncDirectory` of both parents. */
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with all it holds. No error if it is already gone. Durable as `rename` is. */
  remove(path: string): Promise<void>
  /** Makes the directory and its parents; no error if it is there. */
  makeDirectory(path: string): Promise<void>
  /** Entries of a directory, sorted by name. */
  list(path: string): Promise<DirectoryEntry[]>
  /** null if there is nothing at `path`. */
  stat(path: string): Promise<FileStat | null>
  /** What `stat` says of when the file was last written to, from now until it is written to again. */
  setModified(path: string, modifiedMs: number): Promise<void>
  syncDirectory(path: string): Promise<void>
  /** Total and usable bytes of the file system that holds `path`. */
  space(path: string): Promise<{ totalBytes: number; usableBytes: number }>
  /**
   * Takes an exclusive lock on the file at `path`, made if missing and empty for ever; null if somebody has it, in this
   * process or another, Apache Kafka's lock of a log directory included. Disposing of it or the end of the process frees
   * it; the file stays. While it is held, opening that file fails with `EBUSY`.
   */
  lock(path: string): Promise<AsyncDisposable | null>
}

/** 'read': must exist. 'write': read and write, created if missing. 'create': read and write, must not exist. */
export type OpenMode = 'read' | 'write' | 'create'

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
}

export interface FileStat {
  readonly size: number
  readonly modifiedMs: number
  readonly isDirectory: boolean
}

export interface DiskFile {
  /** Where the file is now. */
  readonly path: string
  /** Reads into `target` from byte `position`; returns how many bytes were there to read (fewer only at the end). */
  read(target: Uint8Array, position: number): Promise<number>
  /** Writes all of `chunks`, one after the other, starting at byte `position`. Resolves when all of it is written. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>
  /**
   * Resolves when every write that was complete before the call is on stable storage (fdatasync). Once it has failed it
   * fails for ever with the same error: the kernel may have dropped what it could not write, and would call a second try
   * a success. What was written since the last sync that returned must be taken for lost.
   */
  sync(): Promise<void>
  /** Cuts the file, or extends it with zeros. */
  truncate(size: number): Promise<void>
  size(): Promise<number>
  /** Waits for the calls under way, then lets go of the file. Syncs nothing. Later calls fail with `EBADF`. */
  close(): Promise<void>
}

// -------------------------------------------------------------------------------------------------------- network

export interface Network {
  /**
   * Accepts connections until closed. Port 0 picks a free one: see `Listener.port`. Host '' is every address of the
   * machine. Rejects with a `NetworkError` (`EADDRINUSE`, ...).
   */
  listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener>
  /** Rejects with a `NetworkError` (`ECONNREFUSED`, `ETIMEDOUT`, ...), or with `signal.reason` when that is aborted. */
  connect(options: ConnectOptions): Promise<Connection>
  /**
   * Addresses of a host name, or of an address itself, as `Connection.remoteAddress` has them. Rejects with a
   * `NetworkError` (`ENOTFOUND`, `EAI_AGAIN`) where there is none.
   */
  resolve(host: string): Promise<readonly string[]>
  /** What this machine calls itself, as completely as the name service knows it: where others may reach it. */
  hostName(): Promise<string>
}

export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** How many connections may wait to be accepted. */
  readonly backlog?: number
  /** A connection could not be accepted (out of descriptors, ...); the listener goes on. */
  readonly onError?: (error: Error) => void
}

export interface ConnectOptions {
  readonly host: string
  readonly port: number
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Listener extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Stops accepting; connections that are open stay open. */
  close(): Promise<void>
}

/**
 * A byte stream. Nothing is read until `start`. There is no half-open state: when the peer ends its side, or anything
 * fails, the connection is closed as a whole, and `onClose` says why, exactly once and never from within a call to the
 * connection: null if either side ended it in order, else a `NetworkError` or the reason given to `destroy`.
 */
export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  start(handlers: ConnectionHandlers): void
  /** Stops calling `onData`; the peer is held back by its window. */
  pause(): void
  resume(): void
  /**
   * Sends `chunks` in order with one system call where possible; they must not be changed until they are taken. False: the
   * outgoing buffer is over its bound, wait for `onDrain`. On a connection that is closed or ending the bytes are
   * dropped and the answer is false: `onClose` follows or has been called. `onTaken` is called, in a later turn or before
   * this returns, when the kernel has taken all of `chunks` and they may be changed; never if the connection fails before.
   */
  write(chunks: readonly Uint8Array[], onTaken?: (() => void) | null): boolean
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  readonly queuedBytes: number
  /** Sends what is queued, then closes. No more `onData`. A peer that never reads keeps it open: see `destroy`. */
  end(): void
  /** Closes at once; what is queued is lost. */
  destroy(reason?: Error): void
}

export interface ConnectionHandlers {
  /**
   * Memory to read into, at least a byte of it, asked for before each read. Without it the connection makes new memory.
   */
  target?(): Uint8Array
  /** `bytes` belongs to the handler: it is new, or the first part of the last `target`. */
  onData(bytes: Uint8Array): void
  /** After a `write` that returned false: all of it has been taken. */
  onDrain(): void
  onClose(error: Error | null): void
}

// --------------------------------------------------------------------------------------------------------- random

export interface Random {
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** Uniform in [0, 1). */
  float(): number
  bytes(length: number): Uint8Array
  /** A random (version 4) UUID as 16 bytes in Kafka's text: 22 characters of url-safe base64; never one that Kafka reserves or that begins with '-'. */
  uuid(): string
}

// -------------------------------------------------------------------------------------------------------- workers

/**
 * Runs pure, CPU-bound tasks away from the event loop. A task is a named export of a module, a function of one argument:
 * argument and result are structured-cloned or transferred (`transferring` in transfer.ts). In memory/ it runs inline.
 */
export interface Workers {
  /** Rejects with what the task throws (name, message, code and stack of it), or with a `WorkerError`. */
  run<Result>(task: WorkerTask, argument: unknown, transfer?: readonly ArrayBuffer[]): Promise<Result>
  /** Stops the threads; tasks that are not done are rejected. */
  close(): Promise<void>
}

export interface WorkerTask {
  /** `import.meta.url` of the module that exports the function. */
  readonly moduleUrl: string
  readonly exportName: string
}

// --------------------------------------------------------------------------------------------------------- logger

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Structured: a constant message, and fields that a machine can read. Secrets never go in. */
export interface Logger {
  isEnabled(level: LogLevel): boolean
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger
  /** Of a part of the program, whose level can be set by itself; until it is, `a.b` goes by `a`, and that by the root. */
  named(name: string): Logger
  /** Of all loggers with the same root. */
  readonly levels: LogLevels
}

/** Lines below it are not made. `fatal` lets none through, `trace` all. */
export type LogThreshold = LogLevel | 'trace' | 'fatal'

/** Levels can be changed while the program runs; nothing keeps them. */
export interface LogLevels {
  /** Of `root` and of every name that was given to `Logger.named`, what it goes by. */
  all(): ReadonlyMap<string, LogThreshold>
  set(name: string, threshold: LogThreshold): void
  /** Goes by what is above it again. The root itself has to have a level. */
  unset(name: string): void
}

export type LogFields = Readonly<Record<string, string | number | boolean | bigint | null | undefined | Error>>
