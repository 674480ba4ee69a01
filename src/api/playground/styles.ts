/** How the playground looks; colours keep to a contrast of 4.5 and more in both schemes. */
export const PLAYGROUND_STYLES = `
:root { color-scheme: light dark; --ink: #16181d; --soft: #565d6b; --line: #d9dde5; --paper: #ffffff; --ground: #f3f4f7; --brand: #2f5bd8; --on: #ffffff; --yes: #0b6b45; --yes-bg: #e3f5ec; --no: #8a3a10; --no-bg: #fbeee4; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef2; --soft: #a9b0bd; --line: #363b46; --paper: #1b1e25; --ground: #121419; --brand: #9db5ff; --on: #10131a; --yes: #7fe0b2; --yes-bg: #12362a; --no: #ffb48a; --no-bg: #3d2415; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--ground); font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.top { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; padding: 20px 28px; background: var(--paper); border-bottom: 1px solid var(--line); }
.top p { margin: 0; color: var(--soft); }
h1 { margin: 0; font-size: 20px; letter-spacing: -.01em; }
h2 { margin: 0 0 12px; font-size: 15px; }
main { display: grid; grid-template-columns: minmax(280px, 380px) minmax(0, 1fr); gap: 20px; max-width: 1280px; margin: 0 auto; padding: 20px 28px 48px; align-items: start; }
.column { display: grid; gap: 16px; min-width: 0; }
section { padding: 18px 20px 20px; background: var(--paper); border: 1px solid var(--line); border-radius: 12px; min-width: 0; }
form { display: flex; flex-wrap: wrap; gap: 8px; align-items: end; }
form + form, .hint + form, form + .actions, .actions + form { margin-top: 12px; }
label { display: grid; gap: 3px; flex: 1 1 110px; font-size: 13px; font-weight: 500; color: var(--soft); min-width: 0; }
input, select { width: 100%; min-height: 38px; padding: 6px 10px; font: inherit; font-size: 15px; color: var(--ink); background: var(--paper); border: 1px solid #858d9b; border-radius: 8px; }
button { min-height: 38px; padding: 6px 14px; font: inherit; font-weight: 600; color: var(--on); background: var(--brand); border: 1px solid var(--brand); border-radius: 8px; cursor: pointer; }
button.quiet { color: var(--brand); background: none; }
button:disabled { opacity: .55; cursor: default; }
:focus-visible { outline: 2px solid var(--brand); outline-offset: 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; }
.hint { margin: 10px 0 0; color: var(--soft); font-size: 13.5px; }
.wrong { margin: 10px 0 0; color: var(--no); font-weight: 500; }
code { font: 13px/1.4 ui-monospace, SFMono-Regular, Menlo, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 16px; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
ul { list-style: none; margin: 0; padding: 0; }
li + li { border-top: 1px solid var(--line); }
li { padding: 10px 0; }
li:first-child { padding-top: 0; } li:last-child { padding-bottom: 0; }
.row { display: flex; gap: 12px; align-items: baseline; justify-content: space-between; }
.row strong { flex: 1; font-weight: 600; overflow-wrap: anywhere; }
.why { margin: 3px 0 0; color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
.badge { flex: none; padding: 1px 10px; font-size: 13px; font-weight: 600; border-radius: 99px; color: var(--no); background: var(--no-bg); }
.badge.in { color: var(--yes); background: var(--yes-bg); }
time { flex: none; color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; }
.empty { margin: 0; color: var(--soft); }
@media (max-width: 820px) { main { grid-template-columns: minmax(0, 1fr); padding: 16px; } .top { padding: 16px; } }
`;
