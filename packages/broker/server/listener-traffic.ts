/** What has come and gone through one listener since the start. */
export class ListenerTraffic {
  readonly listenerName: string
  connectionsCreated = 0
  connectionsClosed = 0
  connectionsRefused = 0
  incomingBytes = 0
  outgoingBytes = 0
  requests = 0
  responses = 0

  constructor(listenerName: string) {
    this.listenerName = listenerName
  }
}
