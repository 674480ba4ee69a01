/**
 * The renderer's styles. `&` stands for the root, thrice its class, so that they hold against the page's own rules
 * without an id that could be there only once.
 */
const ROOT = ".mortar-survey".repeat(3);

const SHEET = `
& { --mo-r: var(--mo-roundness, 10px); --mo-card-edge: var(--mo-card-border-color, color-mix(in srgb, var(--mo-text) 12%, var(--mo-card-background-color))); color: var(--mo-text); font: 400 16px/1.5 var(--mo-font-family, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif); text-align: start; letter-spacing: normal; -webkit-text-size-adjust: 100%; }
& *, & *::before, & *::after { box-sizing: border-box; margin: 0; padding: 0; border: 0; font: inherit; letter-spacing: inherit; text-transform: none; text-shadow: none; float: none; min-width: 0; color: inherit; align-items: normal; align-content: normal; justify-content: normal; flex-wrap: nowrap; gap: normal; }
& :not(svg, svg *, img, iframe) { width: auto; height: auto; min-height: 0; max-width: none; max-height: none; position: static; inset: auto; background: none; box-shadow: none; opacity: 1; transform: none; }
& button, & input, & select, & textarea { background: none; width: auto; height: auto; appearance: auto; box-shadow: none; }
& button { appearance: none; cursor: pointer; }
& [hidden] { display: none; }
&.mo-modal { position: fixed; inset: 0; z-index: 2147483000; display: flex; padding: 16px; pointer-events: none; }
&.mo-blocking { pointer-events: auto; }
&.mo-overlay-light { background: rgba(100, 112, 133, .35); }
&.mo-overlay-dark { background: rgba(13, 17, 28, .62); }
&.mo-bottomRight { align-items: flex-end; justify-content: flex-end; }
&.mo-bottomLeft { align-items: flex-end; justify-content: flex-start; }
&.mo-topRight { align-items: flex-start; justify-content: flex-end; }
&.mo-topLeft { align-items: flex-start; justify-content: flex-start; }
&[dir=rtl].mo-bottomRight, &[dir=rtl].mo-topRight { justify-content: flex-start; }
&[dir=rtl].mo-bottomLeft, &[dir=rtl].mo-topLeft { justify-content: flex-end; }
&.mo-center { align-items: center; justify-content: center; }
& .mo-deck { pointer-events: none; position: relative; isolation: isolate; display: flex; width: 100%; max-height: 100%; }
& .mo-behind { position: absolute; z-index: -1; inset: 12px 12px 6px; background: var(--mo-card-background-color); border: 1px solid var(--mo-card-edge); border-radius: max(var(--mo-r), 4px); box-shadow: 0 4px 12px -4px rgba(16, 24, 40, .12); transition: transform .28s, opacity .28s; }
& .mo-behind + .mo-behind { z-index: -2; inset: 24px 24px 0; }
& .mo-casual .mo-behind { inset: 2px 4px 15px; transform: rotate(2.2deg); }
& .mo-casual .mo-behind + .mo-behind { inset: 2px 4px 15px; transform: rotate(-1.7deg); }
& .mo-behind.mo-gone, & .mo-casual .mo-behind.mo-gone { transform: translateY(-16px); opacity: 0; }
& .mo-straight, & .mo-casual { padding-bottom: 13px; }
& .mo-card { pointer-events: auto; position: relative; display: flex; flex-direction: column; width: 100%; max-height: 100%; overflow: hidden; background: var(--mo-card-background-color); border: 1px solid var(--mo-card-edge); border-radius: max(var(--mo-r), 4px); }
&.mo-modal .mo-deck { max-width: 420px; animation: mo-in .28s cubic-bezier(.2, .8, .3, 1); }
&.mo-modal .mo-card { box-shadow: 0 1px 2px rgba(16, 24, 40, .08), 0 12px 32px -4px rgba(16, 24, 40, .24); }
&.mo-inline .mo-card { box-shadow: 0 1px 2px rgba(16, 24, 40, .06), 0 14px 32px -16px rgba(16, 24, 40, .2); }
& .mo-cardless .mo-card { box-shadow: none; border-color: transparent; }
&.mo-center .mo-deck { max-width: 480px; }
&.mo-highlight .mo-card { border: 2px solid var(--mo-highlight-border-color); }
@keyframes mo-in { from { opacity: 0; transform: translateY(16px); } }
@keyframes mo-step { from { opacity: 0; transform: translateX(12px); } }
@keyframes mo-spin { to { transform: rotate(1turn); } }
& .mo-bar { flex: none; height: var(--mo-progress-track-height, 5px); background: var(--mo-progress-track-bg-color, color-mix(in srgb, var(--mo-brand-color) 18%, var(--mo-card-background-color))); }
& .mo-bar > div { height: 100%; min-width: calc(var(--mo-r) + 10px); background: var(--mo-progress-indicator-bg-color, var(--mo-brand-color)); transition: width .35s ease; border-start-end-radius: 99px; border-end-end-radius: 99px; }
& .mo-top { flex: none; display: flex; align-items: center; justify-content: flex-end; gap: 4px; padding: 8px 10px 0; }
& .mo-top.mo-float { position: absolute; inset-block-start: 5px; inset-inline-end: 0; z-index: 1; }
& .mo-float ~ .mo-form .mo-body { padding-top: 24px; }
& .mo-float ~ .mo-form .mo-step > :first-child :is(.mo-upper, .mo-headline) { padding-inline-end: 28px; }
& .mo-float ~ .mo-form .mo-step > :first-child > .mo-media:first-child { margin-top: 24px; }
& .mo-float ~ .mo-form .mo-step > .mo-end:first-child .mo-headline, &.mo-inline .mo-float ~ .mo-form .mo-step > :first-child :is(.mo-upper, .mo-headline) { padding-inline-end: 0; }
& .mo-icon-button { display: inline-flex; align-items: center; justify-content: center; width: 36px; height: 36px; flex: none; border-radius: 8px; color: var(--mo-muted); }
& .mo-icon-button:hover:not(:disabled) { background: var(--mo-soft); color: var(--mo-text); }
& .mo-icon-button:disabled { opacity: .35; cursor: default; }
& .mo-icon-button svg { width: 18px; height: 18px; }
& .mo-language { padding: 7px 32px 7px 10px; border-radius: 8px; color: var(--mo-muted); font-size: 14px; cursor: pointer; }
&[dir=rtl] .mo-language { padding: 7px 10px 7px 32px; }
& .mo-language:hover { background-color: var(--mo-soft); color: var(--mo-text); }
& .mo-form { display: flex; flex-direction: column; flex: 1 1 auto; min-height: 0; outline: none; }
& .mo-body { flex: 1 1 auto; overflow-y: auto; overscroll-behavior: contain; padding: 8px 24px 20px; }
& .mo-body.mo-more { -webkit-mask-image: linear-gradient(to top, transparent, #000 36px); mask-image: linear-gradient(to top, transparent, #000 36px); }
& .mo-body:focus-visible { outline-offset: -2px; }
& .mo-step { animation: mo-step .22s ease-out; display: flex; flex-direction: column; gap: 28px; outline: none; }
&[dir=rtl] .mo-step { animation: none; }
& .mo-element { border: 0; display: block; }
& .mo-upper { display: block; margin-bottom: 4px; color: var(--mo-element-upper-label-color, var(--mo-muted)); font-size: var(--mo-element-upper-label-font-size, 13px); font-weight: var(--mo-element-upper-label-font-weight, 500); }
& .mo-headline { display: block; color: var(--mo-element-headline-color, var(--mo-text)); font-size: var(--mo-element-headline-font-size, 18px); font-weight: var(--mo-element-headline-font-weight, 650); line-height: 1.35; text-wrap: balance; overflow-wrap: anywhere; }
& .mo-sub { display: block; margin-top: 6px; color: var(--mo-element-description-color, var(--mo-muted)); font-size: var(--mo-element-description-font-size, 15px); font-weight: var(--mo-element-description-font-weight, 400); overflow-wrap: anywhere; }
& .mo-rich p + p, & .mo-rich ul, & .mo-rich ol { margin-top: 8px; }
& .mo-rich ul, & .mo-rich ol { padding-inline-start: 22px; }
& .mo-rich a { color: var(--mo-brand-text); text-decoration: underline; }
& .mo-rich strong, & .mo-rich b { font-weight: 700; }
& .mo-rich em, & .mo-rich i { font-style: italic; }
& .mo-control { margin-top: 16px; display: flex; flex-direction: column; gap: 10px; }
& .mo-media { display: block; width: 100%; margin-bottom: 16px; border-radius: var(--mo-r); overflow: hidden; }
& img.mo-media { max-height: 240px; object-fit: contain; height: auto; }
& .mo-video { aspect-ratio: 16 / 9; background: #000; }
& .mo-video iframe { width: 100%; height: 100%; display: block; }
& .mo-input { width: 100%; min-height: var(--mo-input-height, 46px); padding: var(--mo-input-padding-y, 10px) var(--mo-input-padding-x, 14px); font-size: var(--mo-input-font-size, 16px); color: var(--mo-input-text-color, var(--mo-text)); background: var(--mo-input-bg-color, var(--mo-card-background-color)); border: 1px solid var(--mo-input-border-color, var(--mo-line)); border-radius: var(--mo-input-border-radius, var(--mo-r)); box-shadow: var(--mo-input-shadow, none); }
& textarea.mo-input { min-height: 108px; resize: vertical; display: block; }
& .mo-input::placeholder { color: var(--mo-muted); opacity: var(--mo-input-placeholder-opacity, 1); }
& .mo-input:hover { border-color: color-mix(in srgb, var(--mo-input-border-color, var(--mo-line)) 55%, var(--mo-text)); }
& .mo-input:focus { border-color: var(--mo-brand-text); }
& .mo-input[aria-invalid=true] { border-color: var(--mo-error); }
& :focus-visible, & .mo-input:focus, & input:focus-visible + .mo-box { outline: 2px solid var(--mo-brand-text); outline-offset: 2px; }
& .mo-form:focus-visible { outline: none; }
& .mo-input:focus { outline-offset: -1px; }
& .mo-input[aria-invalid=true]:focus { border-color: var(--mo-error); outline-color: var(--mo-error); }
& [aria-invalid=true] :is(.mo-option, .mo-scale .mo-box, .mo-pictures .mo-box) { border-color: var(--mo-error); }
& select:is(.mo-input, .mo-language) { appearance: none; cursor: pointer; line-height: 1.5; text-overflow: ellipsis; background-repeat: no-repeat; background-image: linear-gradient(45deg, transparent 50%, currentColor 50%), linear-gradient(-45deg, transparent 50%, currentColor 50%); background-size: 6px 6px; background-position: right 20px center, right 14px center; }
&[dir=rtl] select:is(.mo-input, .mo-language) { background-position: left 14px center, left 20px center; }
& select.mo-input { padding-inline-end: 40px; }
& .mo-hint:empty { margin-top: -10px; }
& .mo-hint { color: var(--mo-muted); font-size: 13px; }
& .mo-count { align-self: flex-end; }
& .mo-label { display: block; margin-bottom: 4px; font-size: 14px; font-weight: 500; color: var(--mo-element-headline-color, var(--mo-text)); }
& .mo-star-required { color: var(--mo-error); }
& .mo-error { display: flex; gap: 6px; align-items: baseline; margin-top: 10px; color: var(--mo-error); font-size: 14px; font-weight: 500; }
& .mo-error svg { width: 14px; height: 14px; flex: none; transform: translateY(2px); }
& .mo-option { display: flex; align-items: flex-start; gap: 12px; width: 100%; min-height: 46px; padding: var(--mo-option-padding-y, 11px) var(--mo-option-padding-x, 14px); cursor: pointer; text-align: start; font-size: var(--mo-option-font-size, 16px); line-height: 22px; color: var(--mo-option-label-color, var(--mo-text)); background: var(--mo-option-bg-color, var(--mo-card-background-color)); border: 1px solid var(--mo-option-border-color, var(--mo-line)); border-radius: var(--mo-option-border-radius, var(--mo-r)); transition: background-color .12s, border-color .12s; overflow-wrap: anywhere; }
& .mo-option:hover { background: var(--mo-accent-bg-color, color-mix(in srgb, var(--mo-brand-color) 5%, var(--mo-option-bg-color, var(--mo-card-background-color)))); }
& .mo-option.mo-on { border-color: var(--mo-brand-text); box-shadow: inset 0 0 0 1px var(--mo-brand-text); background: var(--mo-accent-bg-color-selected, color-mix(in srgb, var(--mo-brand-color) 9%, var(--mo-option-bg-color, var(--mo-card-background-color)))); }
& .mo-option:focus-within:has(:focus-visible) { outline: 2px solid var(--mo-brand-text); outline-offset: 2px; }
& .mo-option input:focus-visible { outline: none; }
& .mo-option input[type=radio], & .mo-option input[type=checkbox] { flex: none; width: 18px; height: 18px; margin: 2px 0; accent-color: var(--mo-brand-text); cursor: pointer; }
& .mo-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; opacity: 0; }
& .mo-scale { display: flex; }
& .mo-scale label { position: relative; flex: 1 1 0; display: flex; cursor: pointer; }
& .mo-scale .mo-box { position: relative; flex: 1; display: flex; align-items: center; justify-content: center; height: 46px; margin-inline-start: -1px; font-size: 15px; font-weight: 500; font-variant-numeric: tabular-nums; color: var(--mo-option-label-color, var(--mo-text)); background: var(--mo-option-bg-color, var(--mo-card-background-color)); border: 1px solid var(--mo-option-border-color, var(--mo-line)); overflow: hidden; transition: background-color .12s; }
& .mo-scale label:first-of-type .mo-box { margin-inline-start: 0; border-start-start-radius: var(--mo-option-border-radius, var(--mo-r)); border-end-start-radius: var(--mo-option-border-radius, var(--mo-r)); }
& .mo-scale label:last-of-type .mo-box { border-start-end-radius: var(--mo-option-border-radius, var(--mo-r)); border-end-end-radius: var(--mo-option-border-radius, var(--mo-r)); }
& .mo-scale label:hover .mo-box { background: color-mix(in srgb, var(--mo-brand-color) 10%, var(--mo-option-bg-color, var(--mo-card-background-color))); }
& .mo-scale input:checked + .mo-box { background: var(--mo-brand-color); color: var(--mo-on-brand); border-color: var(--mo-brand-color); z-index: 1; }
& .mo-scale input:focus-visible + .mo-box { z-index: 2; }
& .mo-scale .mo-tone .mo-box::before { content: ""; position: absolute; inset: 0 0 auto; height: 5px; background: var(--mo-tone); }
& .mo-tone-low { --mo-tone: #e5484d; } & .mo-tone-mid { --mo-tone: #f5a524; } & .mo-tone-high { --mo-tone: #30a46c; }
& .mo-faces { display: flex; justify-content: space-between; gap: 2px; }
& .mo-faces, & .mo-faces + .mo-ends { max-width: 460px; }
& .mo-faces label { position: relative; flex: 0 1 48px; display: flex; justify-content: center; cursor: pointer; }
& .mo-faces .mo-box { display: flex; align-items: center; justify-content: center; width: 100%; max-width: 60px; aspect-ratio: 1; min-height: 44px; border-radius: 12px; color: var(--mo-line); transition: transform .12s, color .12s, background-color .12s; }
& .mo-faces svg { width: 90%; height: 90%; max-width: 44px; max-height: 44px; }
& .mo-faces label:hover .mo-box { color: var(--mo-brand-text); transform: scale(1.06); }
& .mo-faces .mo-lit .mo-box { color: var(--mo-brand-text); }
& .mo-faces .mo-lit svg path.mo-star { fill: var(--mo-brand-color); }
& .mo-faces .mo-lit svg circle.mo-face { fill: color-mix(in srgb, var(--mo-brand-color) 20%, transparent); }
& .mo-faces .mo-tone .mo-box, & .mo-faces .mo-tone.mo-lit .mo-box { color: color-mix(in srgb, var(--mo-tone) 72%, var(--mo-text)); }
& .mo-faces .mo-tone.mo-lit svg circle.mo-face { fill: color-mix(in srgb, var(--mo-tone) 45%, transparent); }
& .mo-ends { display: flex; justify-content: space-between; gap: 24px; color: var(--mo-element-upper-label-color, var(--mo-muted)); font-size: 13px; }
& .mo-ends span:last-child { text-align: end; }
& .mo-pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
& .mo-pictures label { position: relative; display: block; cursor: pointer; }
& .mo-pictures .mo-box { display: block; overflow: hidden; border-radius: var(--mo-option-border-radius, var(--mo-r)); border: 1px solid var(--mo-option-border-color, var(--mo-line)); background: var(--mo-soft); }
& .mo-pictures img { display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; }
& .mo-pictures .mo-tick { position: absolute; inset-block-start: 8px; inset-inline-end: 8px; width: 24px; height: 24px; border-radius: 8px; display: flex; align-items: center; justify-content: center; background: var(--mo-card-background-color); border: 1px solid var(--mo-line); color: transparent; }
& .mo-pictures .mo-radio .mo-tick { border-radius: 50%; }
& .mo-pictures .mo-on .mo-box { border-color: var(--mo-brand-text); box-shadow: 0 0 0 2px var(--mo-brand-text); }
& .mo-pictures .mo-on .mo-tick { background: var(--mo-brand-color); border-color: var(--mo-brand-color); color: var(--mo-on-brand); }
& .mo-tick svg { width: 14px; height: 14px; }
& .mo-drop { display: flex; flex-direction: column; align-items: center; gap: 4px; padding: 26px 16px; text-align: center; border: 1.5px dashed var(--mo-input-border-color, var(--mo-line)); border-radius: var(--mo-input-border-radius, var(--mo-r)); background: var(--mo-input-bg-color, var(--mo-card-background-color)); position: relative; cursor: pointer; }
& .mo-drop:hover, & .mo-drop.mo-over { border-color: var(--mo-brand-text); background: color-mix(in srgb, var(--mo-brand-color) 6%, var(--mo-card-background-color)); }
& .mo-drop:focus-within:has(:focus-visible) { outline: 2px solid var(--mo-brand-text); outline-offset: 2px; }
& .mo-drop svg { width: 28px; height: 28px; color: var(--mo-brand-text); margin-bottom: 4px; }
& .mo-drop b { font-weight: 600; color: var(--mo-brand-text); }
& .mo-drop input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
& .mo-list { list-style: none; display: flex; flex-direction: column; gap: 8px; }
& .mo-row { position: relative; display: flex; flex-wrap: wrap; align-items: center; gap: 0 8px; min-height: 46px; padding: 4px 6px 4px 12px; border: 1px solid var(--mo-option-border-color, var(--mo-line)); border-radius: var(--mo-option-border-radius, var(--mo-r)); background: var(--mo-option-bg-color, var(--mo-card-background-color)); color: var(--mo-option-label-color, var(--mo-text)); }
&[dir=rtl] .mo-row { padding: 4px 12px 4px 6px; }
& .mo-row > .mo-grow { flex: 1 1 auto; max-width: 100%; display: flex; align-items: center; gap: 10px; overflow-wrap: anywhere; text-align: start; padding: 5px 10px 5px 0; }
&[dir=rtl] .mo-row > .mo-grow { padding: 5px 0 5px 10px; }
& .mo-tools { flex: none; display: flex; margin-inline-start: auto; }
& .mo-ranking { display: flex; flex-direction: column; gap: 8px; }
& .mo-ranking .mo-option { align-items: center; padding-block: 9px; }
& .mo-ranking .mo-row { padding-inline-start: 0; }
& .mo-grip { flex: none; align-self: stretch; display: inline-flex; align-items: center; justify-content: center; width: 30px; min-height: 36px; margin: -9px 0; margin-inline-end: -6px; color: var(--mo-muted); cursor: grab; touch-action: none; }
& .mo-ranking .mo-option { padding-inline-start: 0; }
& .mo-row:hover .mo-grip, & .mo-option:hover .mo-grip { color: var(--mo-text); }
& .mo-grip svg { width: 16px; height: 16px; }
& .mo-sorting { user-select: none; -webkit-user-select: none; }
& .mo-sorting li { transition: transform .16s; }
& .mo-sorting, & .mo-sorting * { cursor: grabbing; }
& .mo-sorting .mo-dragged { position: relative; z-index: 1; transition: none; }
& .mo-dragged > .mo-row, & .mo-dragged > .mo-option { box-shadow: 0 8px 20px -6px rgba(16, 24, 40, .35); border-color: var(--mo-brand-text); }
& .mo-rank { flex: none; width: 26px; height: 26px; border-radius: 50%; display: inline-flex; align-items: center; justify-content: center; font-size: 14px; font-weight: 600; background: var(--mo-brand-color); color: var(--mo-on-brand); }
& .mo-rank.mo-none { background: none; border: 1.5px dashed var(--mo-line); }
& .mo-matrix { width: 100%; border-collapse: separate; border-spacing: 0; font-size: 15px; }
& .mo-matrix-scroll { overflow-x: auto; margin-inline: -24px; padding-inline: 24px; }
& .mo-matrix thead th { padding: 0 6px 8px; font-size: 13px; font-weight: 500; color: var(--mo-muted); text-align: center; vertical-align: bottom; }
& .mo-matrix th { overflow-wrap: anywhere; }
& .mo-matrix tbody tr:hover { background: color-mix(in srgb, var(--mo-brand-color) 5%, transparent); }
& .mo-matrix tbody th { padding: 10px 12px 10px 0; text-align: start; font-weight: 500; }
&[dir=rtl] .mo-matrix tbody th { padding: 10px 0 10px 12px; }
& .mo-matrix tbody th, & .mo-matrix tbody td { border-top: 1px solid color-mix(in srgb, var(--mo-text) 14%, transparent); }
& .mo-matrix td { text-align: center; vertical-align: middle; }
& .mo-matrix td label { display: flex; align-items: center; justify-content: center; min-width: 44px; min-height: 44px; cursor: pointer; }
& .mo-matrix input { width: 20px; height: 20px; accent-color: var(--mo-brand-text); cursor: pointer; }
& .mo-stack { display: flex; flex-direction: column; gap: 18px; }
& .mo-stack fieldset > legend { width: 100%; font-weight: 600; font-size: 15px; margin-bottom: 8px; overflow-wrap: anywhere; }
& .mo-stack .mo-options.mo-short { display: grid; grid-template-columns: repeat(auto-fit, minmax(76px, 1fr)); }
& .mo-stack .mo-options { display: flex; flex-direction: column; gap: 8px; }
& .mo-fields { display: grid; grid-template-columns: 1fr 1fr; gap: 14px 12px; }
& .mo-wide { grid-column: 1 / -1; }
& .mo-buttons { flex: none; display: flex; flex-direction: row-reverse; align-items: center; justify-content: space-between; gap: 8px 12px; padding: 4px 24px 22px; flex-wrap: wrap; }
& .mo-button { display: inline-flex; align-items: center; justify-content: center; gap: 8px; min-height: var(--mo-button-height, 44px); padding: var(--mo-button-padding-y, 9px) var(--mo-button-padding-x, 20px); font-size: var(--mo-button-font-size, 16px); font-weight: var(--mo-button-font-weight, 600); line-height: 1.3; text-decoration: none; color: var(--mo-button-text-color); background: var(--mo-button-bg-color); border-radius: var(--mo-button-border-radius, var(--mo-r)); max-width: 100%; overflow-wrap: anywhere; transition: background-color .12s; }
& .mo-button:hover:not(:disabled) { background: var(--mo-button-hover); }
& .mo-button:disabled { opacity: .6; cursor: default; }
& .mo-button svg { width: 16px; height: 16px; }
& .mo-quiet { color: var(--mo-text); background: none; border: 1px solid transparent; font-weight: 500; padding-inline: 12px; margin-inline-start: -12px; }
& .mo-quiet:hover:not(:disabled) { background: var(--mo-soft); }
& .mo-outline { color: var(--mo-brand-text); background: none; border: 1.5px solid var(--mo-brand-text); align-self: flex-start; }
& .mo-outline:hover:not(:disabled) { background: none; box-shadow: 0 0 0 1px var(--mo-brand-text); }
& .mo-end { align-items: center; text-align: center; padding: 12px 0 8px; gap: 12px; }
& .mo-done { width: 56px; height: 56px; border-radius: 50%; display: inline-flex; align-items: center; justify-content: center; color: var(--mo-on-brand); background: var(--mo-brand-color); }
& .mo-done svg { width: 28px; height: 28px; }
& .mo-notice { flex: none; display: flex; align-items: center; justify-content: space-between; gap: 12px; margin: 0 24px 16px; padding: 8px 12px; font-size: 14px; border-radius: 8px; border: 1px solid var(--mo-error); color: var(--mo-error); }
& .mo-notice .mo-button { min-height: 36px; font-size: 14px; padding: 4px 12px; flex: none; }
& .mo-notice svg { width: 18px; height: 18px; flex: none; }
& .mo-spinner { width: 28px; height: 28px; border-radius: 50%; border: 3px solid color-mix(in srgb, var(--mo-brand-color) 25%, transparent); border-top-color: var(--mo-brand-color); animation: mo-spin .8s linear infinite; }
& .mo-meta { display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 14px; color: var(--mo-muted); font-size: 14px; }
& .mo-meta span { display: inline-flex; gap: 6px; align-items: center; } & .mo-meta svg { width: 15px; height: 15px; }
& .mo-brand { flex: none; padding: 0 24px 14px; text-align: center; font-size: 12px; color: var(--mo-footer-link-color, var(--mo-muted)); }
@media (hover: none) { & .mo-drop-hint { display: none; } }
@media (max-width: 520px) {
  &.mo-modal { padding: 8px; padding-bottom: max(8px, env(safe-area-inset-bottom)); align-items: flex-end; }
  & .mo-icon-button { width: 44px; height: 44px; } & .mo-language { padding-block: 12px; } & .mo-notice .mo-button { min-height: 44px; }
  & .mo-top { padding: 4px 6px 0; } & .mo-top.mo-float { inset-block-start: 5px; inset-inline-end: 2px; }
  & .mo-row { padding-inline-end: 0; } & .mo-grip { width: 34px; min-height: 44px; }
  & .mo-scale.mo-many { display: grid; grid-template-columns: repeat(var(--mo-columns), 1fr); gap: 6px; }
  & .mo-scale.mo-many label .mo-box { margin: 0; border-radius: min(var(--mo-option-border-radius, var(--mo-r)), 12px); }
  & .mo-faces.mo-many { display: grid; grid-template-columns: repeat(5, 1fr); } & .mo-faces.mo-many .mo-box { width: 48px; }
  &.mo-modal.mo-topLeft, &.mo-modal.mo-topRight { align-items: flex-start; }
  &.mo-modal .mo-deck { max-width: none; }
  & .mo-body { padding-inline: 20px; } & .mo-buttons { padding-inline: 20px; } & .mo-notice { margin-inline: 20px; }
}
@media (max-width: 360px) { & .mo-fields { grid-template-columns: 1fr; } }
@media (prefers-reduced-motion: reduce) { &, & *, & *::before { animation-duration: .01ms !important; transition: none !important; } }
@media (forced-colors: active) { & .mo-on, & input:checked + .mo-box { outline: 3px solid Highlight; } }
`;

const STYLE_ID = "mortar-survey-styles";

/** Puts the styles on the page, once; `nonce` is what the page's content security policy asks for. */
export function addStyles({ nonce, customCss }: { nonce: string | undefined; customCss: string | undefined }): void {
  setStyle(STYLE_ID, SHEET.replace(/&/g, ROOT), nonce);
  if (customCss !== undefined) setStyle(`${STYLE_ID}-custom`, customCss, nonce);
}

function setStyle(id: string, css: string, nonce: string | undefined): void {
  const found = document.getElementById(id);
  const style = found ?? document.createElement("style");
  style.id = id;
  if (nonce !== undefined) style.setAttribute("nonce", nonce);
  style.textContent = css;
  if (found === null) document.head.append(style);
}
