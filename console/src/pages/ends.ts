import type { Termination } from "../api/types";

/** Why a call ended, in the gateway's own words: they are the same in its log, its metrics and its audit. */
export function endOf(termination: Termination | null): string {
    return termination === null ? "" : `${termination.area}: ${termination.reason.replaceAll("_", " ")}`;
}
