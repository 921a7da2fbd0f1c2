/** Why Ottla does not do what a key says: reasons that several keys share. */
import { noEffect, notYet } from '../definition.ts'

export const ONE_EVENT_LOOP = noEffect('one event loop does this work; run more nodes to use more cores')
export const ALL_METRICS = noEffect('all metrics are recorded: they cost next to nothing')
export const NO_JVM = noEffect('it sets up the Java runtime')
export const NO_PURGE = noEffect('a request that waits is forgotten as soon as it is answered')
export const NO_BUFFER_POOL = noEffect('buffers are pooled by the runtime')
export const PACED_MOVES = noEffect('a move waits after each piece for as long as the piece is over the rate')
export const NO_KERBEROS = notYet('there is no Kerberos (GSSAPI)')
export const NO_JAVA_CLASSES = notYet('Java classes cannot be loaded, and there is no plugin interface')

export const CONTROLLER_TUNING = notYet('the controller is not measured')
export const FIXED_SIZES = notYet('the metadata log goes by the default')
export const OAUTH = notYet('there is no SASL/OAUTHBEARER')
export const QUORUM = notYet('there is no quorum of several controllers')
export const REPLICATION = notYet('there is no replication between nodes')
export const REPLICATION_QUOTAS = notYet('there is no replication that could be limited')
export const SASL = notYet('there is no SASL')
export const TIERED_STORAGE = notYet('there is no tiered storage')
export const TLS = notYet('there is no TLS')
export const TOKENS = notYet('there are no delegation tokens')
