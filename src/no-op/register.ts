/** `/register` where there is no Node: nothing is registered. */
export {};
