/**
 * Puts a probe at the entry of every function of the library; knows TypeScript's syntax, and nothing of what runs.
 * A function that is nothing but a call of `guard` gets none: it is the guard's own edge, and what it guards has one.
 */
import ts from 'typescript';
import { PROBE } from './round.js';

/** One function of the library. */
export interface ProbedFunction {
  /** `<file>:<name>:<line>`, as the probe tells it. */
  readonly id: string;
  /** `<file>:<name>`: without the line, which moves with every edit. Unique. */
  readonly name: string;
}

export interface ProbedSource {
  readonly code: string;
  readonly functions: readonly ProbedFunction[];
  /** Functions in which nothing of their own can throw: those that are empty, or nothing but a guard. */
  readonly edgeCount: number;
}

/** The same source, with a probe first in every body. `file` is its path from `src/`. */
export function withProbes(file: string, source: string): ProbedSource {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true);
  const functions: ProbedFunction[] = [];
  const inserts: { readonly at: number; readonly text: string }[] = [];
  const known = new Map<string, number>();
  let edgeCount = 0;

  const visit = (node: ts.Node): void => {
    const body = bodyToProbe(node);
    if (body === undefined && bodyOf(node) !== undefined) edgeCount += 1;
    if (body !== undefined) {
      const probed = describe(node);
      const call = `${PROBE}(${JSON.stringify(probed.id)})`;
      functions.push(probed);
      if (ts.isBlock(body)) inserts.push({ at: body.getStart() + 1, text: ` ${call};` });
      else inserts.push({ at: body.getStart(), text: `(${call}, ` }, { at: body.getEnd(), text: ')' });
    }
    ts.forEachChild(node, visit);
  };

  const describe = (node: ts.Node): ProbedFunction => {
    const path = `${file}:${pathOf(node)}`;
    const count = (known.get(path) ?? 0) + 1;
    known.set(path, count);
    const name = count === 1 ? path : `${path}#${count}`;
    return { name, id: `${name}:${tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}` };
  };

  visit(tree);
  // From the end on, so that places stay where they are. Of two at one place, a bracket that closes comes first.
  const byPlace = inserts.map((insert, order) => ({ ...insert, order }));
  byPlace.sort((a, b) => b.at - a.at || a.order - b.order);
  const code = byPlace.reduce((text, insert) => text.slice(0, insert.at) + insert.text + text.slice(insert.at), source);
  return { code, functions, edgeCount };
}

/** Where the probe goes; undefined where there is nothing that could throw. */
function bodyToProbe(node: ts.Node): ts.ConciseBody | undefined {
  const body = bodyOf(node);
  if (body === undefined || !ts.isBlock(body)) return body && isGuardCall(body) ? undefined : body;
  const [statement, ...more] = body.statements;
  if (statement === undefined) return undefined;
  if (more.length > 0) return body;
  // The other form of `guard`, without its closure.
  if (ts.isTryStatement(statement) && reports(statement.catchClause)) return statement.tryBlock;
  const only =
    ts.isExpressionStatement(statement) || ts.isReturnStatement(statement) ? statement.expression : undefined;
  return only !== undefined && isGuardCall(only) ? undefined : body;
}

/** `report(…)` and nothing else. */
function reports(clause: ts.CatchClause | undefined): boolean {
  const [statement, ...more] = clause?.block.statements ?? [];
  return more.length === 0 && statement !== undefined && /^report\('[^']+', \w+\);$/.test(statement.getText());
}

/** `guard(…)` and nothing else: what throws, throws inside. */
function isGuardCall(expression: ts.Expression): boolean {
  if (ts.isVoidExpression(expression)) return isGuardCall(expression.expression);
  return (
    ts.isCallExpression(expression) && ts.isIdentifier(expression.expression) && expression.expression.text === 'guard'
  );
}

function bodyOf(node: ts.Node): ts.ConciseBody | undefined {
  const isFunction =
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isConstructorDeclaration(node) ||
    ts.isAccessor(node);
  return isFunction ? node.body : undefined;
}

/** The names of a function and of everything named around it: `Hold.watch.guard()`. */
function pathOf(node: ts.Node): string {
  const names: string[] = [];
  for (let current = node; !ts.isSourceFile(current); current = current.parent) {
    const name = nameOf(current);
    if (name !== undefined) names.unshift(name);
  }
  return names.join('.');
}

/** What a node adds to the path; a function that has no name is called after whom it is given to. */
function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isAccessor(node) ||
    ts.isPropertyAssignment(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isVariableDeclaration(node);
  if (isNamed) return node.name?.getText();
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return undefined;
  const { parent } = node;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) return `${lastOf(parent.expression)}()`;
  if (ts.isBinaryExpression(parent)) return parent.left.getText();
  const hasName =
    ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent);
  return hasName ? undefined : '=>';
}

function lastOf(expression: ts.Expression): string {
  return ts.isPropertyAccessExpression(expression)
    ? expression.name.text
    : ts.isIdentifier(expression)
      ? expression.text
      : '=>';
}
