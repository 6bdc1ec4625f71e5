;; The products in which a model spends its time, in WebAssembly.
;;
;; WebAssembly is a small machine language that every browser runs. An instruction stands
;; before its operands, like a function: (i32.add (local.get $a) (i32.const 4)) is a + 4.
;; Memory is one long row of bytes, and an address is a whole number (i32) that counts them:
;; (f32.load (local.get $x)) is the 32-bit float at address x, and (f32.load offset=8
;; (local.get $x)) the one 8 bytes further.
;;
;; What makes it fast is the type v128: 16 bytes that one instruction works on at once, as
;; four floats (f32x4), four whole numbers (i32x4), eight small ones (i16x8) or 16 tiny ones
;; (i8x16). The numbers in a v128 are its lanes.
;;
;; Holds products of 32-bit floats (`linear` and `mix`), exponentials (`exp`), and products of
;; packed weights (`packed_linear`) with what has been rounded (`round`). kernels.js puts the
;; numbers into memory and calls these functions; tensor.js, products.js and packed.js do the
;; same in JavaScript. Nothing is checked here. The rows of x are `x_stride` bytes apart, those
;; of w `w_stride`, and so on.
;;
;; Source: https://webassembly.github.io/spec/core/ (the language).

(module
  (import "page" "memory" (memory 0))

  ;; --- 32-bit floats ---------------------------------------------------------------------

  ;; y = x Wᵀ + b.  x (rows, in), w (out, in), bias (out) → y (rows, out)
  ;;
  ;; Four columns of four rows of w are worked on at a time. So `in` must be a multiple of 4,
  ;; and if `out` is none, up to three numbers without meaning follow in each row of y: w, bias
  ;; and y must have room for them.
  (func (export "linear")
      (param $x i32) (param $x_stride i32) (param $w i32) (param $w_stride i32) (param $bias i32)
      (param $y i32) (param $y_stride i32) (param $rows i32) (param $in i32) (param $out i32)
    (local $w1 i32) (local $w2 i32) (local $w3 i32)  ;; where the other three rows of w begin
    (local $x_row i32) (local $y_row i32) (local $row i32) (local $at i32) (local $x4 v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $in (i32.mul (local.get $in) (i32.const 4)))  ;; in bytes from here on
    (loop $next_outputs
      (local.set $w1 (i32.add (local.get $w) (local.get $w_stride)))
      (local.set $w2 (i32.add (local.get $w1) (local.get $w_stride)))
      (local.set $w3 (i32.add (local.get $w2) (local.get $w_stride)))
      (local.set $x_row (local.get $x))
      (local.set $y_row (local.get $y))
      (local.set $row (i32.const 0))
      (loop $next_row
        ;; Lane k of a, b, c and d: the products in columns k, k + 4, k + 8, … of the four rows.
        (local.set $a (v128.const f32x4 0 0 0 0))
        (local.set $b (v128.const f32x4 0 0 0 0))
        (local.set $c (v128.const f32x4 0 0 0 0))
        (local.set $d (v128.const f32x4 0 0 0 0))
        (local.set $at (i32.const 0))
        (loop $next_columns
          (local.set $x4 (v128.load (i32.add (local.get $x_row) (local.get $at))))
          (local.set $a (f32x4.add (local.get $a)
            (f32x4.mul (local.get $x4) (v128.load (i32.add (local.get $w) (local.get $at))))))
          (local.set $b (f32x4.add (local.get $b)
            (f32x4.mul (local.get $x4) (v128.load (i32.add (local.get $w1) (local.get $at))))))
          (local.set $c (f32x4.add (local.get $c)
            (f32x4.mul (local.get $x4) (v128.load (i32.add (local.get $w2) (local.get $at))))))
          (local.set $d (f32x4.add (local.get $d)
            (f32x4.mul (local.get $x4) (v128.load (i32.add (local.get $w3) (local.get $at))))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $next_columns (i32.lt_u (local.get $at) (local.get $in))))
        (v128.store (local.get $y_row) (f32x4.add (v128.load (local.get $bias))
          (call $sums (local.get $a) (local.get $b) (local.get $c) (local.get $d))))
        (local.set $x_row (i32.add (local.get $x_row) (local.get $x_stride)))
        (local.set $y_row (i32.add (local.get $y_row) (local.get $y_stride)))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br_if $next_row (i32.lt_u (local.get $row) (local.get $rows))))
      (local.set $w (i32.add (local.get $w3) (local.get $w_stride)))
      (local.set $bias (i32.add (local.get $bias) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (local.set $out (i32.sub (local.get $out) (i32.const 4)))
      (br_if $next_outputs (i32.gt_s (local.get $out) (i32.const 0)))))

  ;; The sum of all lanes of a, that of b, that of c and that of d, as four lanes. A shuffle
  ;; picks 16 bytes out of the 32 of two vectors; four bytes that follow one another are a lane.
  (func $sums (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (local.set $a (f32x4.add  ;; a0 + a2, b0 + b2, a1 + a3, b1 + b3
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
    (local.set $c (f32x4.add  ;; the same of c and d
      (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
      (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
    (f32x4.add
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $c))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $c))))

  ;; y = x W: each row of x mixes the rows of w.
  ;; x (rows, mixed), w (mixed, columns) → y (rows, columns)
  ;;
  ;; `columns` must be a multiple of 4; as many are worked on at a time.
  (func (export "mix")
      (param $x i32) (param $x_stride i32) (param $w i32) (param $w_stride i32)
      (param $y i32) (param $y_stride i32) (param $rows i32) (param $mixed i32) (param $columns i32)
    (local $x_end i32) (local $share i32) (local $w_row i32) (local $at i32) (local $sum v128)
    (local.set $columns (i32.mul (local.get $columns) (i32.const 4)))  ;; in bytes from here on
    (loop $next_row
      (local.set $x_end (i32.add (local.get $x) (i32.mul (local.get $mixed) (i32.const 4))))
      (local.set $at (i32.const 0))
      (loop $next_columns
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $share (local.get $x))
        (local.set $w_row (i32.add (local.get $w) (local.get $at)))
        (loop $next_mixed  ;; a splat: one number in all four lanes
          (local.set $sum (f32x4.add (local.get $sum)
            (f32x4.mul (v128.load32_splat (local.get $share)) (v128.load (local.get $w_row)))))
          (local.set $w_row (i32.add (local.get $w_row) (local.get $w_stride)))
          (local.set $share (i32.add (local.get $share) (i32.const 4)))
          (br_if $next_mixed (i32.lt_u (local.get $share) (local.get $x_end))))
        (v128.store (i32.add (local.get $y) (local.get $at)) (local.get $sum))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $next_columns (i32.lt_u (local.get $at) (local.get $columns))))
      (local.set $x (i32.add (local.get $x) (local.get $x_stride)))
      (local.set $y (i32.add (local.get $y) (local.get $y_stride)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $next_row (local.get $rows))))

  ;; e to the power of each of `n` numbers at x, in their place. `n` is a multiple of 4.
  ;;
  ;; e^x is 2^k e^r, where k is a whole number and r lies within ln(2) / 2 of 0; there the first
  ;; eight terms of the series 1 + r + r²/2 + r³/6 + … are as exact as a float. Below -87 the
  ;; result is 0, and what is above 88 counts as 88: more does not fit into a float.
  (func (export "exp") (param $x i32) (param $n i32)
    (local $end i32) (local $x4 v128) (local $k v128) (local $r v128) (local $sum v128)
    (local.set $end (i32.add (local.get $x) (i32.mul (local.get $n) (i32.const 4))))
    (loop $next
      (local.set $x4 (v128.load (local.get $x)))
      (local.set $r (f32x4.min (f32x4.splat (f32.const 88))
        (f32x4.max (f32x4.splat (f32.const -87)) (local.get $x4))))
      (local.set $k (f32x4.nearest (f32x4.mul (local.get $r) (f32x4.splat (f32.const 1.44269504)))))
      ;; r = x - k ln(2), taken away in two steps: k times the first part of ln(2) is exact.
      (local.set $r (f32x4.sub (f32x4.sub (local.get $r)
        (f32x4.mul (local.get $k) (f32x4.splat (f32.const 0.693359375))))
        (f32x4.mul (local.get $k) (f32x4.splat (f32.const -0.00021219444)))))
      (local.set $sum (f32x4.splat (f32.const 0.00019841270)))  ;; 1/7!
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 0.0013888889))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 0.0083333333))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 0.041666667))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 0.16666667))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 0.5))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 1))
        (f32x4.mul (local.get $r) (local.get $sum))))
      (local.set $sum (f32x4.add (f32x4.splat (f32.const 1))
        (f32x4.mul (local.get $r) (local.get $sum))))
      ;; A float whose exponent is k + 127, and whose fraction is 0, is 2^k.
      (v128.store (local.get $x) (v128.andnot
        (f32x4.mul (local.get $sum) (i32x4.shl (i32x4.add (i32x4.splat (i32.const 127))
          (i32x4.trunc_sat_f32x4_s (local.get $k))) (i32.const 23)))
        (f32x4.lt (local.get $x4) (f32x4.splat (f32.const -87)))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $x) (local.get $end)))))

  ;; --- Packed weights --------------------------------------------------------------------

  ;; Rounds blocks of 32 floats at `x` to whole numbers of 16 bits at `numbers`, and writes two
  ;; factors for each block: its scale, and its scale times the sum of its numbers
  ;; (packed.js, `roundTo16Bits`).
  (func (export "round")
      (param $x i32) (param $numbers i32) (param $factors i32) (param $blocks i32)
    (local $end i32) (local $at i32) (local $largest v128) (local $sum v128) (local $scale f32)
    (local $low v128) (local $high v128)
    (loop $next_block
      (local.set $end (i32.add (local.get $x) (i32.const 128)))
      (local.set $largest (v128.const f32x4 0 0 0 0))
      (local.set $at (local.get $x))
      (loop $next_four
        (local.set $largest
          (f32x4.max (local.get $largest) (f32x4.abs (v128.load (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $next_four (i32.lt_u (local.get $at) (local.get $end))))
      (local.set $scale (f32.div
        (f32.max
          (f32.max
            (f32x4.extract_lane 0 (local.get $largest)) (f32x4.extract_lane 1 (local.get $largest)))
          (f32.max
            (f32x4.extract_lane 2 (local.get $largest))
            (f32x4.extract_lane 3 (local.get $largest))))
        (f32.const 32767)))
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (loop $next_eight  ;; where the scale is 0, 0 / 0 is no number, and becomes 0
        (local.set $low (i32x4.trunc_sat_f32x4_s (f32x4.nearest
          (f32x4.div (v128.load (local.get $x)) (f32x4.splat (local.get $scale))))))
        (local.set $high (i32x4.trunc_sat_f32x4_s (f32x4.nearest
          (f32x4.div (v128.load offset=16 (local.get $x)) (f32x4.splat (local.get $scale))))))
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.add (local.get $low) (local.get $high))))
        (v128.store (local.get $numbers) (i16x8.narrow_i32x4_s (local.get $low) (local.get $high)))
        (local.set $x (i32.add (local.get $x) (i32.const 32)))
        (local.set $numbers (i32.add (local.get $numbers) (i32.const 16)))
        (br_if $next_eight (i32.lt_u (local.get $x) (local.get $end))))
      (f32.store (local.get $factors) (local.get $scale))
      (f32.store offset=4 (local.get $factors) (f32.mul (local.get $scale)
        (f32.convert_i32_s (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
          (i32.add
            (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))))
      (local.set $factors (i32.add (local.get $factors) (i32.const 8)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $next_block (local.get $blocks))))

  ;; y = x Wᵀ + b.  x (rows, in), packed w (out, in), bias (out) → y (rows, out)
  ;;
  ;; x has been rounded: whole numbers of 16 bits at `x`, and two factors for each block of 32 at
  ;; `factors`. `is_q4_1` says which format w has, q4_1 (1) or q8_0 (0). At `numbers` and `scales`
  ;; there must be room for one row of w, unpacked. Rows follow one another without a gap.
  ;;
  ;; To fetch the 98 MB of a whole model from memory takes longer than the arithmetic. So a row
  ;; of the first half of w and one of the second are taken in turn: memory that is read in two
  ;; places at once comes an eighth sooner.
  (func (export "packed_linear")
      (param $is_q4_1 i32) (param $x i32) (param $factors i32) (param $w i32) (param $bias i32)
      (param $y i32) (param $rows i32) (param $in i32) (param $out i32)
      (param $numbers i32) (param $scales i32)
    (local $blocks i32) (local $half i32) (local $half_bytes i32) (local $w_half i32)
    (local $done i32)
    (local.set $blocks (i32.div_u (local.get $in) (i32.const 32)))
    (local.set $half (i32.div_u (i32.add (local.get $out) (i32.const 1)) (i32.const 2)))
    (local.set $half_bytes (i32.mul (local.get $half) (i32.const 4)))  ;; in y and in bias
    (local.set $w_half (i32.add (local.get $w)
      (i32.mul (i32.mul (local.get $half) (local.get $blocks))
        (select (i32.const 20) (i32.const 34) (local.get $is_q4_1)))))
    (loop $next_outputs
      (local.set $w (call $packed_output (local.get $is_q4_1) (local.get $x) (local.get $factors)
        (local.get $w) (local.get $bias) (local.get $y) (local.get $rows) (local.get $blocks)
        (local.get $out) (local.get $numbers) (local.get $scales)))
      (local.set $done (i32.add (local.get $done) (i32.const 1)))
      (if (i32.le_u (i32.add (local.get $half) (local.get $done)) (local.get $out)) (then
        (local.set $w_half (call $packed_output
          (local.get $is_q4_1) (local.get $x) (local.get $factors) (local.get $w_half)
          (i32.add (local.get $bias) (local.get $half_bytes))
          (i32.add (local.get $y) (local.get $half_bytes))
          (local.get $rows) (local.get $blocks) (local.get $out)
          (local.get $numbers) (local.get $scales)))))
      (local.set $bias (i32.add (local.get $bias) (i32.const 4)))
      (local.set $y (i32.add (local.get $y) (i32.const 4)))
      (br_if $next_outputs (i32.lt_u (local.get $done) (local.get $half)))))

  ;; One row of w, unpacked once, with all rows of x: one of the `out` numbers in each row of y.
  ;; Returns where the next row of w begins.
  (func $packed_output
      (param $is_q4_1 i32) (param $x i32) (param $factors i32) (param $w i32) (param $bias i32)
      (param $y i32) (param $rows i32) (param $blocks i32) (param $out i32)
      (param $numbers i32) (param $scales i32) (result i32)
    (local.set $w (if (result i32) (local.get $is_q4_1)
      (then (call $unpack_q4_1
        (local.get $w) (local.get $numbers) (local.get $scales) (local.get $blocks)))
      (else (call $unpack_q8_0
        (local.get $w) (local.get $numbers) (local.get $scales) (local.get $blocks)))))
    (loop $next_row
      (f32.store (local.get $y) (f32.add (f32.load (local.get $bias))
        (call $block_products (local.get $x) (local.get $factors)
          (local.get $numbers) (local.get $scales) (local.get $blocks))))
      (local.set $x (i32.add (local.get $x) (i32.mul (local.get $blocks) (i32.const 64))))
      (local.set $factors
        (i32.add (local.get $factors) (i32.mul (local.get $blocks) (i32.const 8))))
      (local.set $y (i32.add (local.get $y) (i32.mul (local.get $out) (i32.const 4))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $next_row (local.get $rows)))
    (local.get $w))

  ;; Both functions below unpack a row of w: to 32 whole numbers of 16 bits for each block, and
  ;; its scale and minimum as 32-bit floats. They return where the next row of w begins.
  ;;
  ;; Scale and minimum are 16-bit floats: 1 bit for the sign, 5 for the exponent, 10 for the
  ;; fraction; in 32 bits these are 1, 8 and 23. Moved 13 bits to the left, exponent and
  ;; fraction stand where they should. A copy of the sign does too, since 16 bits become 32 by
  ;; repeating it to the left (`_s`: signed); the mask 0x8fffe000 clears its other copies. But
  ;; one exponent counts from 15 and the other from 127, hence the product with 2 ** 112.

  ;; q4_1: scale, minimum, then 16 bytes, each of two numbers from 0 to 15.
  (func $unpack_q4_1
      (param $w i32) (param $numbers i32) (param $scales i32) (param $blocks i32) (result i32)
    (local $bytes v128) (local $low v128) (local $high v128)
    (loop $next_block
      ;; Scale and minimum together, as the first two lanes.
      (v128.store64_lane 0 (local.get $scales)
        (f32x4.mul (f32x4.splat (f32.const 0x1p112))
          (v128.and (i32x4.splat (i32.const 0x8fffe000))
            (i32x4.shl
              (i32x4.extend_low_i16x8_s (v128.load32_zero (local.get $w))) (i32.const 13)))))
      (local.set $bytes (v128.load offset=4 (local.get $w)))
      (local.set $low (v128.and (i8x16.splat (i32.const 15)) (local.get $bytes)))
      (local.set $high (i8x16.shr_u (local.get $bytes) (i32.const 4)))
      ;; 16 bytes become two times eight numbers of 16 bits (`_u`: unsigned).
      (v128.store (local.get $numbers) (i16x8.extend_low_i8x16_u (local.get $low)))
      (v128.store offset=16 (local.get $numbers) (i16x8.extend_high_i8x16_u (local.get $low)))
      (v128.store offset=32 (local.get $numbers) (i16x8.extend_low_i8x16_u (local.get $high)))
      (v128.store offset=48 (local.get $numbers) (i16x8.extend_high_i8x16_u (local.get $high)))
      (local.set $w (i32.add (local.get $w) (i32.const 20)))
      (local.set $numbers (i32.add (local.get $numbers) (i32.const 64)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 8)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $next_block (local.get $blocks)))
    (local.get $w))

  ;; q8_0: scale, then 32 numbers of 8 bits. Their minimum is 0.
  (func $unpack_q8_0
      (param $w i32) (param $numbers i32) (param $scales i32) (param $blocks i32) (result i32)
    (loop $next_block
      (f32.store (local.get $scales)
        (f32.mul (f32.const 0x1p112)
          (f32.reinterpret_i32 (i32.and (i32.const 0x8fffe000)
            (i32.shl (i32.load16_s (local.get $w)) (i32.const 13))))))
      (f32.store offset=4 (local.get $scales) (f32.const 0))
      (v128.store (local.get $numbers) (v128.load8x8_s offset=2 (local.get $w)))
      (v128.store offset=16 (local.get $numbers) (v128.load8x8_s offset=10 (local.get $w)))
      (v128.store offset=32 (local.get $numbers) (v128.load8x8_s offset=18 (local.get $w)))
      (v128.store offset=48 (local.get $numbers) (v128.load8x8_s offset=26 (local.get $w)))
      (local.set $w (i32.add (local.get $w) (i32.const 34)))
      (local.set $numbers (i32.add (local.get $numbers) (i32.const 64)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 8)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $next_block (local.get $blocks)))
    (local.get $w))

  ;; One row of x times one row of w, that is, the sum over all blocks of
  ;; scale × scale' × Σ x w  +  minimum × factor'  (the factors of x have a stroke).
  (func $block_products
      (param $x i32) (param $factors i32) (param $numbers i32) (param $scales i32)
      (param $blocks i32) (result f32)
    (local $both v128) (local $sum v128) (local $minimums v128)
    (loop $next_block
      ;; Lane 0: scale × scale', lane 1: minimum × factor'.
      (local.set $both
        (f32x4.mul (v128.load64_zero (local.get $factors)) (v128.load64_zero (local.get $scales))))
      (local.set $minimums (f32x4.add (local.get $minimums) (local.get $both)))
      ;; `dot` multiplies eight small numbers by eight others and adds the products in pairs.
      (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul
        (f32x4.splat (f32x4.extract_lane 0 (local.get $both)))
        (f32x4.convert_i32x4_s (i32x4.add
          (i32x4.add
            (i32x4.dot_i16x8_s (v128.load (local.get $x)) (v128.load (local.get $numbers)))
            (i32x4.dot_i16x8_s
              (v128.load offset=16 (local.get $x)) (v128.load offset=16 (local.get $numbers))))
          (i32x4.add
            (i32x4.dot_i16x8_s
              (v128.load offset=32 (local.get $x)) (v128.load offset=32 (local.get $numbers)))
            (i32x4.dot_i16x8_s
              (v128.load offset=48 (local.get $x)) (v128.load offset=48 (local.get $numbers)))))))))
      (local.set $x (i32.add (local.get $x) (i32.const 64)))
      (local.set $factors (i32.add (local.get $factors) (i32.const 8)))
      (local.set $numbers (i32.add (local.get $numbers) (i32.const 64)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 8)))
      (local.set $blocks (i32.sub (local.get $blocks) (i32.const 1)))
      (br_if $next_block (local.get $blocks)))
    (f32.add (f32x4.extract_lane 1 (local.get $minimums)) (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
      (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum)))))))
