import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren, JSX } from "preact";

import { streamState } from "./api/events";
import { idleSoon, resume, session, signOut, touched } from "./api/session";
import type { Me } from "./api/types";
import { LANGUAGES, type Key, type Language, language, speak, useSay } from "./i18n";
import { CallPage } from "./pages/call";
import { CallsPage } from "./pages/calls";
import { PatientPage } from "./pages/patient";
import { PatientsPage } from "./pages/patients";
import { PhoneBar, PhonePage } from "./pages/phone";
import { SignInPage } from "./pages/sign-in";
import { type Route, useRoute } from "./router";
import { useStore } from "./store";
import { type Theme, choose, theme } from "./theme";
import { Link, Notice, Select } from "./ui/parts";

export function App(): JSX.Element {
    const say = useSay();
    const now = useStore(session);
    const tongue = useStore(language);
    useEffect(() => {
        document.documentElement.lang = tongue;
    }, [tongue]);
    switch (now.phase) {
        case "loading":
            return <p class="whole-page quiet">{say("app.loading")}</p>;
        case "unreachable":
            return (
                <div class="whole-page">
                    <p>{say("app.unreachable")}</p>
                    <button type="button" onClick={() => void resume()}>
                        {say("app.retry")}
                    </button>
                </div>
            );
        case "signed_out":
            return (
                <Door>
                    <SignInPage notice={now.notice} />
                </Door>
            );
        case "signed_in":
            return <House me={now.me} />;
    }
}

/** What stands around the page for whoever is not signed in. */
function Door({ children }: { children: ComponentChildren }): JSX.Element {
    return (
        <div class="door">
            <main class="door-main">{children}</main>
            <footer class="door-foot">
                <Preferences />
            </footer>
        </div>
    );
}

function House({ me }: { me: Me }): JSX.Element {
    const say = useSay();
    const route = useRoute();
    const main = useRef<HTMLElement>(null);
    const first = useRef(true);
    const place = "id" in route ? `${route.page}/${route.id}` : route.page;
    useEffect(() => {
        // Whoever reads by ear is told of the new page by its heading.
        if (!first.current) main.current?.focus();
        first.current = false;
    }, [place]);
    return (
        <div class="house">
            <a class="skip" href="#main" onClick={() => main.current?.focus()}>
                {say("app.skip")}
            </a>
            <header class="bar">
                <Link to="/calls" class="brand">
                    <Mark />
                    {say("app.name")}
                </Link>
                <Navigation route={route} />
                <div class="bar-foot">
                    <StreamLamp />
                    <Preferences />
                    <Account me={me} />
                </div>
            </header>
            <main id="main" class="main" tabIndex={-1} ref={main}>
                <IdleQuestion />
                <PhoneBar route={route} />
                <Page key={place} route={route} />
            </main>
        </div>
    );
}

function Page({ route }: { route: Route }): JSX.Element {
    const say = useSay();
    switch (route.page) {
        case "calls":
            return <CallsPage />;
        case "call":
            return <CallPage id={route.id} />;
        case "phone":
            return <PhonePage />;
        case "patients":
            return <PatientsPage />;
        case "patient":
            return <PatientPage id={route.id} />;
        case "unknown":
            return <p class="quiet">{say("app.unknown")}</p>;
    }
}

const PLACES: { to: string; key: Key; pages: Route["page"][] }[] = [
    { to: "/calls", key: "nav.calls", pages: ["calls", "call"] },
    { to: "/phone", key: "nav.phone", pages: ["phone"] },
    { to: "/patients", key: "nav.patients", pages: ["patients", "patient"] },
];
const LATER: Key[] = ["nav.dashboard", "nav.agents", "nav.users", "nav.audit"];

function Navigation({ route }: { route: Route }): JSX.Element {
    const say = useSay();
    return (
        <nav class="nav" aria-label={say("nav.main")}>
            <ul>
                {PLACES.map(({ to, key, pages }) => (
                    <li key={to}>
                        <Link to={to} {...(pages.includes(route.page) ? { current: "page" as const } : {})}>
                            {say(key)}
                        </Link>
                    </li>
                ))}
            </ul>
            <div class="nav-later">
                <h2 id="later">{say("nav.later")}</h2>
                <ul aria-labelledby="later">
                    {LATER.map((key) => (
                        <li key={key}>{say(key)}</li>
                    ))}
                </ul>
            </div>
        </nav>
    );
}

function StreamLamp(): JSX.Element {
    const say = useSay();
    const state = useStore(streamState);
    return (
        <p class={`lamp lamp-${state}`} role="status">
            <span class="lamp-dot" aria-hidden="true" />
            {say(`stream.${state}`)}
        </p>
    );
}

function Preferences(): JSX.Element {
    const say = useSay();
    const tongue = useStore(language);
    const look = useStore(theme);
    return (
        <div class="preferences">
            <Select
                label={say("app.language")}
                value={tongue}
                options={Object.entries(LANGUAGES).map(([code, { name }]) => [code as Language, name])}
                onChange={speak}
            />
            <Select
                label={say("app.theme")}
                value={look}
                options={(["system", "light", "dark"] as Theme[]).map((name) => [name, say(`app.theme.${name}`)])}
                onChange={choose}
            />
        </div>
    );
}

function Account({ me }: { me: Me }): JSX.Element {
    const say = useSay();
    const name = me.user?.name ?? me.user?.email ?? me.kind;
    return (
        <div class="account">
            <span class="account-name" title={say("app.signed_in_as", { name })}>
                {name}
            </span>
            <button type="button" class="plain" onClick={() => signOut()}>
                {say("app.sign_out")}
            </button>
        </div>
    );
}

function IdleQuestion(): JSX.Element | null {
    const say = useSay();
    if (!useStore(idleSoon)) return null;
    return (
        <Notice kind="warning" urgent>
            {say("app.idle")}{" "}
            <button type="button" onClick={touched}>
                {say("app.stay")}
            </button>
        </Notice>
    );
}

export function Mark(): JSX.Element {
    return (
        <svg class="mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
            <path d="M7 13v6M12.5 8v16M18 12v8M23.5 6v20" />
        </svg>
    );
}
