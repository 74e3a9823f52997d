// What the gateway answers, as far as the page looks at it; the whole of it stands in openapi.json.

export type SessionStatus = "starting" | "running" | "completed" | "failed" | "terminated";
export type CallStatus = "not_started" | "in_progress" | "completed";
export type Direction = "inbound" | "outbound";
export type Speaker = "caller" | "agent";

export interface Page<T> {
    items: T[];
    next_cursor: string | null;
}

export interface Termination {
    class: string;
    area: string;
    reason: string;
}

export interface CallSummary {
    id: string;
    patient_id: string | null;
    direction: Direction;
    agent: string;
    session_status: SessionStatus;
    call_status: CallStatus;
    started_at: string;
    answered_at: string | null;
    ended_at: string | null;
    termination: Termination | null;
    /** Mean opinion score of what comes from the caller, 1 to 5. */
    quality?: number | null;
}

export interface Moment {
    at_ms: number;
    event: string;
    [detail: string]: unknown;
}

export interface Turn extends Moment {
    event: "turn";
    latency_ms: number;
    endpointing_ms: number;
    agent_ms: number;
    egress_ms: number;
}

export interface Utterance {
    at_ms: number;
    speaker: Speaker;
    text: string;
    /** When the words began and ended to be heard, in milliseconds of the call. */
    began_ms?: number | null;
    ended_ms?: number | null;
    heard_ms: number | null;
    interrupted: boolean;
}

export interface Quality {
    r_factor: number;
    mos_listening: number;
    mos_conversational: number | null;
}

export interface MediaSample {
    at_ms: number;
    received: number;
    lost: number;
    jitter_ms: number;
    round_trip_ms: number | null;
}

export interface Media {
    codec: string;
    packets_received: number;
    packets_sent: number;
    packets_lost: number;
    fraction_lost: number;
    packets_late: number;
    packets_reordered: number;
    concealed_ms: number;
    jitter_ms: number;
    round_trip_ms: number | null;
    quality: Quality | null;
    worst_quality: Quality | null;
    remote_quality: Quality | null;
    remote_fraction_lost: number | null;
    remote_jitter_ms: number | null;
    course?: MediaSample[];
}

export interface CallRecord extends CallSummary {
    from: string;
    to: string;
    timeline: Moment[];
    media: Media;
    transcript?: Utterance[];
}

export interface LadderMessage {
    number: number;
    at_ms: number;
    direction: "received" | "sent";
    transport: string;
    from: string;
    to: string;
    method: string | null;
    status: number | null;
    reason: string | null;
    repeated: boolean;
    text: string;
}

export interface Ladder {
    running: boolean;
    left_out: number;
    messages: LadderMessage[];
}

export interface PatientSummary {
    id: string;
    name: string;
    call_status: CallStatus;
    created_at: string;
    updated_at: string;
}

export interface Caregiver {
    id: string;
    name: string;
    relationship: string | null;
    phone: string | null;
    email: string | null;
}

export interface Patient extends PatientSummary {
    email: string | null;
    phone: string | null;
    phone_e164: string | null;
    language: string | null;
    time_zone: string | null;
    caregivers: Caregiver[];
    date_of_birth?: string | null;
    notes?: string | null;
}

export interface Me {
    kind: "user" | "api_key" | "admin";
    org_id: string;
    role: string;
    permissions: string[];
    user: { id: string; email: string; name: string | null } | null;
    expires_at: string | null;
    /** After so long without a request the gateway takes the sign-in for over. */
    idle_minutes?: number;
}

export interface Tokens {
    access_token: string;
    access_expires_at: string;
    refresh_expires_at: string;
}

export type SignIn =
    | ({ status: "signed_in" } & Tokens)
    | { status: "second_factor" | "enrolment" | "password_change"; step_token: string };

export interface Enrolment {
    secret: string;
    uri: string;
}

export interface Enrolled {
    sign_in: SignIn;
    backup_codes: string[];
}

export interface GatewayEvent {
    type: string;
    call_id?: string;
    patient_id?: string;
    [detail: string]: unknown;
}
