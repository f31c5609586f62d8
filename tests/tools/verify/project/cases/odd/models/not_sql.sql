selec oops from
