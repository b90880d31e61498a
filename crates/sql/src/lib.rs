//! What a statement is: scan, split, classify, bind and rewrite; pure.
