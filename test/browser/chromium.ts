/** The system's own Chromium: a real one, and nothing of it is downloaded by a test. */
import { type Browser, chromium } from 'playwright-core';
import { findOnPath } from '../on-path.js';

/** As Debian, Ubuntu and Google name it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Starts it without a window. @throws where there is none, with what to install */
export function launchChromium(): Promise<Browser> {
  // Its sandbox needs a user that is not root, and namespaces that containers often do not have; it sees our page alone.
  return chromium.launch({ executablePath: findChromium(), chromiumSandbox: false });
}

function findChromium(): string {
  const { CHROMIUM_BIN } = process.env;
  if (CHROMIUM_BIN) return CHROMIUM_BIN;
  const found = findOnPath(...NAMES);
  if (found) return found;
  throw new Error(
    `a Chromium is needed, found none of ${NAMES.join(', ')} on the PATH: ` +
      '`apt-get install chromium`, or say where one is in `CHROMIUM_BIN`',
  );
}
