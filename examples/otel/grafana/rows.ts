/** The dashboard's rows, in the order in which one asks. */
import type { Row } from './panel.js';
import { CAN_I_TRUST } from './rows/can-i-trust.js';
import { DO_RETRIES_HELP } from './rows/do-retries-help.js';
import { HOW_SLOW } from './rows/how-slow.js';
import { IS_IT_BROKEN } from './rows/is-it-broken.js';
import { WHERE } from './rows/where.js';
import { WHOSE_FAULT } from './rows/whose-fault.js';

export const ROWS: readonly Row[] = [IS_IT_BROKEN, WHERE, WHOSE_FAULT, HOW_SLOW, DO_RETRIES_HELP, CAN_I_TRUST];
