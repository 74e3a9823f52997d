// Calls from a web page to an agent of an Auricle gateway, by WHIP (RFC 9725); listening to a call by WHEP.

export { Call, call, listen } from "./call";
export type { CallOptions, CallEvents, CallState, End, EndReason, GatewayMessage, Levels } from "./call";
export { devices, onDevices } from "./devices";
export type { Devices } from "./devices";
export { HttpError } from "./resource";
