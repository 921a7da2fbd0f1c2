/** Who asks the group coordinator for something. */

/** Of a request; a handler's context is one. */
export interface GroupCallContext {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly clientAddress: string
}

/** As records and descriptions have it. */
export function callerOf({ apiVersion, clientId, clientAddress }: GroupCallContext) {
  return { apiVersion, clientId: clientId ?? '', clientHost: `/${clientAddress}` }
}
