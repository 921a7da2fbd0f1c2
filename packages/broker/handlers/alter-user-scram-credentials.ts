/** AlterUserScramCredentials (key 51), version 0 (KIP-554): makes and deletes users of SCRAM. */
import {
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
} from '@ottla/protocol/messages/alter-user-scram-credentials'
import { CONTROLLER_APIS } from '../controller/index.ts'
import { defineHandler } from './handler.ts'

export const alterUserScramCredentials = defineHandler({
  request: AlterUserScramCredentialsRequest,
  response: AlterUserScramCredentialsResponse,
  handle(request, context, services) {
    return services.controller.request('alterUserScramCredentials', request, context.apiVersion)
  },
  failed: CONTROLLER_APIS.alterUserScramCredentials.failed,
})
