import { render } from "preact";

import { App } from "./app";
import { resume } from "./api/session";
import "./style/base.css";
import "./style/parts.css";
import "./style/call.css";
import "./style/pages.css";
import { applyTheme } from "./theme";

applyTheme();
const root = document.getElementById("app");
if (root) render(<App />, root);
void resume();
