// What an application can see of the module itself.
import * as openai from 'openai';
import * as file from 'openai/index.mjs';

console.log(`exports ${Object.keys(openai).join(' ')}`);
console.log(`is ${Object.prototype.toString.call(openai)}, extensible ${Object.isExtensible(openai)}`);
console.log(`the same values ${Object.entries(openai).every(([name, value]) => Reflect.get(file, name) === value)}`);
console.log(`the same namespace ${openai === file}`);
console.log(`resolves to ${import.meta.resolve('openai').split('/').at(-1)}`);
