/** `/hook` where there is no Node: there are no modules to hook. */
export {};
