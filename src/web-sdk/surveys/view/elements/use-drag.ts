/** Dragging rows by a grip, with a mouse, a finger or a pen. Keyboards have buttons for it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { indexAfter, type RowBox, shiftsFor } from "./drag-order.ts";

interface Drag {
  from: number;
  to: number;
  /** How far the row is from its place, in px. */
  offset: number;
  shifts: number[];
}

export interface Dragging {
  /** The row that is dragged; null: none is. */
  index: number | null;
  /** How far down a row is drawn from its place, in px. */
  offsetOf(row: number): number;
  /** Where a row would stand if it were dropped now. */
  placeOf(row: number): number;
  /** For the grip of a row. */
  onGrip(event: PointerEvent, row: number): void;
}

/** A pointer that moved no further than this, in px, has tapped. */
const TAP_PX = 4;
/** So near to the edge of what scrolls, in px, it scrolls by as much per frame. */
const EDGE_PX = 44;
const SCROLL_PX = 7;

/** `list` holds the rows, elements with `data-drag-row`, in their order. */
export function useDrag(list: { current: HTMLElement | null }, onDrop: (from: number, to: number) => void): Dragging {
  const [drag, setDrag] = useState<Drag | null>(null);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  const stop = useRef(() => {});
  useEffect(() => () => stop.current(), []);
  return { index: drag?.from ?? null, offsetOf, placeOf, onGrip };

  function placeOf(row: number): number {
    if (row === drag?.from) return drag.to;
    return row + Math.sign(drag?.shifts[row] ?? 0);
  }

  function offsetOf(row: number): number {
    if (drag === null) return 0;
    return row === drag.from ? drag.offset : (drag.shifts[row] ?? 0);
  }

  function onGrip(event: PointerEvent, from: number): void {
    const element = list.current;
    if (event.button !== 0 || element === null) return;
    event.preventDefault(); // no text is selected, no picture dragged
    stop.current();
    const scroller = element.closest(".mo-body");
    const rows = boxesOf(element);
    const { pointerId, clientY: startY } = event;
    const startScroll = scrolled();
    let y = startY;
    let to = from;
    let frame = requestAnimationFrame(follow);
    const events = new AbortController(); // ends all of its listeners at once
    const { signal } = events;
    const listen = (type: "pointermove" | "pointerup" | "pointercancel", act: (pointer: PointerEvent) => void) => {
      const actOnOwn = (pointer: PointerEvent) => {
        if (pointer.pointerId === pointerId) act(pointer);
      };
      window.addEventListener(type, actOnOwn, { signal });
    };
    stop.current = () => {
      cancelAnimationFrame(frame);
      events.abort();
      stop.current = () => {};
      setDrag(null);
    };
    listen("pointermove", (pointer) => {
      y = pointer.clientY;
    });
    listen("pointercancel", () => stop.current());
    listen("pointerup", (pointer) => {
      y = pointer.clientY;
      update();
      stop.current();
      if (Math.abs(y - startY) > TAP_PX) swallowClick(element);
      if (to !== from) drop.current(from, to);
    });
    const giveUp = (pressed: KeyboardEvent) => {
      if (pressed.key !== "Escape") return;
      pressed.stopPropagation(); // it ends the dragging, not the survey
      stop.current();
    };
    window.addEventListener("keydown", giveUp, { signal, capture: true });
    update();

    function follow(): void {
      scrollNearEdge();
      update();
      frame = requestAnimationFrame(follow);
    }

    function update(): void {
      const offset = y - startY + scrolled() - startScroll;
      to = indexAfter(rows, from, offset);
      setDrag({ from, to, offset, shifts: shiftsFor(rows, from, to) });
    }

    /** Modal surveys scroll within their card, others with the page. */
    function scrolled(): number {
      return (scroller?.scrollTop ?? 0) + window.scrollY;
    }

    function scrollNearEdge(): void {
      const box = scroller?.getBoundingClientRect();
      const top = Math.max(box?.top ?? 0, 0);
      const bottom = Math.min(box?.bottom ?? window.innerHeight, window.innerHeight);
      const by = y < top + EDGE_PX ? -SCROLL_PX : y > bottom - EDGE_PX ? SCROLL_PX : 0;
      if (by === 0 || y === startY) return;
      const canScroll = scroller !== null && scroller.scrollHeight > scroller.clientHeight;
      (canScroll ? scroller : window).scrollBy(0, by);
    }
  }
}

/** The grip may lie in a button, which the end of a drag is no click on. */
function swallowClick(list: HTMLElement): void {
  const swallow = (event: Event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  list.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => list.removeEventListener("click", swallow, { capture: true }), 50);
}

function boxesOf(list: HTMLElement): RowBox[] {
  return [...list.querySelectorAll("[data-drag-row]")].map((row) => {
    const { top, height } = row.getBoundingClientRect();
    return { top, height };
  });
}
