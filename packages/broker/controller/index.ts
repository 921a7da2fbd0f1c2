/** What the driver and the handlers use of the controller. */
export { CONTROLLER_APIS, type ControllerApiName, type ControllerRequest, type ControllerResponse } from './apis.ts'
export { Controller } from './controller.ts'
export {
  type Access,
  type ControllerOptions,
  type ControllerRandom,
  type ControllerResult,
  FULL_ACCESS,
  type RequestScope,
} from './state.ts'
export { topicNameError } from './topic-names.ts'
