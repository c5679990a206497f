/** The patches of `/register` serve the instrumentation that the application makes itself, as long as there is one. */
import type { CallHooks, SdkHooks } from '../intercept/call-hooks.js';
import { processState } from '../process-state.js';

/** `beforeCall` runs before each call that `/register` records itself. */
export function shareHooks(hooks: CallHooks & SdkHooks, beforeCall: () => void): void {
  const { begin, enter } = hooks;
  let given: (CallHooks & SdkHooks) | undefined;
  hooks.begin = (request) => {
    if (given) return given.begin(request);
    beforeCall();
    return begin(request);
  };
  hooks.enter = () => {
    if (given) return given.enter();
    beforeCall();
    return enter();
  };
  const state = processState();
  state.zeroCode = {
    giveWayTo(other) {
      given = other;
      return () => {
        if (given !== other) return;
        given = undefined;
        state.hooks ??= hooks;
      };
    },
  };
}
